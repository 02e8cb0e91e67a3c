/** What a close code means for the one who watches, and what to do (the gateway's table of ends). */
export interface Ending {
  readonly headline: string;
  readonly advice: string;
  /** by itself; when the user asks; never. */
  readonly again: 'itself' | 'asked' | 'never';
}

const ENDINGS: Readonly<Record<number, Ending>> = {
  1000: { headline: 'Closed', advice: 'The session goes on without a viewer.', again: 'asked' },
  1002: {
    headline: 'Protocol error',
    advice:
      'This viewer sent something that the gateway does not take. Connect again; if it comes back, tell your operator.',
    again: 'asked',
  },
  1006: { headline: 'Connection lost', advice: 'The connection broke without a word. Trying again.', again: 'itself' },
  1011: {
    headline: 'The gateway failed',
    advice: 'Its log has the reason. Connect again, or tell your operator.',
    again: 'asked',
  },
  1012: { headline: 'The gateway restarts', advice: 'Connecting to the next one.', again: 'itself' },
  4403: { headline: 'Your access was taken back', advice: 'Ask whoever shared this session with you.', again: 'never' },
  4408: {
    headline: 'Closed for inactivity',
    advice: 'Nothing moved for a long time. The session may still run: connect again.',
    again: 'asked',
  },
  4410: {
    headline: 'The session has ended',
    advice: 'It was released. Start a new one from the fleet page.',
    again: 'never',
  },
  4413: {
    headline: 'Your connection is too slow',
    advice: 'The picture did not fit through. Trying again.',
    again: 'itself',
  },
  4502: {
    headline: 'The screen was closed',
    advice: 'The remote side ended the stream. Connect again if the session still runs.',
    again: 'asked',
  },
  4504: { headline: 'The remote side was lost', advice: 'The runner does not answer. Trying again.', again: 'itself' },
};

/** The ending of a code; one that is not ours reads as a lost connection that is not tried again by itself. */
export function endingOf(code: number): Ending {
  return (
    ENDINGS[code] ?? { headline: `Closed (${code})`, advice: 'Connect again, or tell your operator.', again: 'asked' }
  );
}
