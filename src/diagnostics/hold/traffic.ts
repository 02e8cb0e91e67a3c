import type { Stream } from '../probe/index.js';

/**
 * What a held stream says by itself, beat by beat. `viewing` is what a viewer does: it asks for each change, and pings.
 * All others ask for nothing behind the first picture but what they are named after: what each of them outlives tells
 * which bytes a timer counts.
 */
export const TRAFFIC = ['viewing', 'silent', 'pings', 'asks', 'pokes', 'pulls', 'naps'] as const;
export type Traffic = (typeof TRAFFIC)[number];

/** Pixels of a corner, wide and high: 16 kB. */
export const CORNER = 64;
/** 65 kB a beat: little for a thin link, enough to tell a limit of bytes from a lifetime. */
const PULLED = 128;

const SAYS: Readonly<Record<Traffic, (stream: Stream) => void>> = {
  viewing: (stream) => stream.ping(),
  silent: () => {},
  pings: (stream) => stream.ping(),
  asks: (stream) => stream.ask(),
  pokes: (stream) => stream.askCorner(CORNER),
  pulls: (stream) => stream.askCorner(PULLED),
  naps: () => {},
};

/** The first nap; each is twice as long as the one before. */
export const NAP_MS = 4_000;

/** Looked at often, not beat by beat: a stream that naps speaks when its nap is over. What forgets quiet flows shows then. */
export function wake(stream: Stream): void {
  const naps = stream.frames - 1;
  if (stream.quietMs() >= NAP_MS * 2 ** naps) stream.askCorner(CORNER);
}

/** One beat of a stream. */
export function say(traffic: Traffic, stream: Stream): void {
  SAYS[traffic](stream);
}
