import { setTimeout as sleep } from 'node:timers/promises';
import type { CheckContext } from './checks/index.js';
import { awaitAccessLine } from './collection/index.js';
import { isLate } from './host/index.js';
import type { Attempt, Refuser } from './looks/index.js';
import type { ServiceSight } from './options.js';
import { DIAL_MS, LOOK_MS } from './patience.js';
import {
  type DialFacts,
  type DialTarget,
  type Dialled,
  type Http2Facts,
  type SocketTarget,
  dialAnyLine,
  fetchPage,
  look,
  lookByHttp2,
} from './probe/index.js';
import { lookAgain, requestOf } from './second-looks.js';
import { type Prepared, type Subject, type Vantage, frontOf } from './subjects/index.js';
import { type Trials, openTrials } from './trials/index.js';
import type { Trust } from './trust.js';

/** The dials and pages of a run: each is made once, however many checks ask. */
export interface Probes
  extends Pick<CheckContext, 'front' | 'dial' | 'page' | 'takes' | 'refuser' | 'silent' | 'again' | 'http2'> {
  /** What a dial that has finished saw; undefined while nobody has asked. */
  readonly trials: Trials;
  seen(subject: Subject, vantage: Vantage): DialFacts | undefined;
  /** Sec-WebSocket-Keys of sockets that opened at the public URL: each has its line in the access log. */
  publicKeys(): readonly string[];
  /** A request without an upgrade at the public URL, for its line in the access log. */
  askPlainly(): Promise<void>;
}

/** A public dial that takes longer is not waited for: the inner vantage points are dialled beside it. */
const HEADSTART_MS = 500;
/** Further attempts at a front that opened; none is begun that late while all of them open. */
const ATTEMPTS = 4;
const AGAIN_MS = 1_000;
/** What the last attempt held is free by then. */
const AGAIN_GAP_MS = 200;

interface ProbeDeps {
  readonly signal: AbortSignal;
  /** The access log of the ingress, where it is at hand. */
  readonly accessLog: string | undefined;
  /** How every replica is, where an engine runs them. */
  readonly services: (() => Promise<readonly ServiceSight[]>) | undefined;
}

/** Probes of what was prepared. A subject that fails in public is dialled at its other vantage points at once. */
export function openProbes(prepared: Prepared, trust: Trust, deps: ProbeDeps): Probes {
  const { signal } = deps;
  const dials = new Map<string, Promise<Dialled>>();
  const facts = new Map<string, DialFacts>();
  const pages = new Map<string, ReturnType<typeof fetchPage>>();

  const once = (key: string, target: DialTarget): Promise<Dialled> => {
    const known = dials.get(key);
    if (known) return known;
    const made = dialOnce(target, trust, signal);
    dials.set(key, made);
    void made.then(
      (dialled) => facts.set(key, dialled.facts),
      () => undefined, // whoever asks hears of it
    );
    return made;
  };
  const dialSubject: Probes['dial'] = (subject, vantage) => {
    const isFirst = !dials.has(keyOf(subject, vantage));
    const made = once(keyOf(subject, vantage), subject.targets[vantage]!);
    if (isFirst && vantage === 'public') void lookInside(subject, made);
    return made;
  };
  const lookInside = async (subject: Subject, outer: Promise<Dialled>): Promise<void> => {
    const first = await Promise.race([outer, sleep(HEADSTART_MS, undefined, { ref: false })]).catch(() => undefined); // then look inside, too
    if (first?.stream || signal.aborted) return;
    for (const vantage of ['gateway', 'rfb'] as const)
      if (subject.targets[vantage]) void once(keyOf(subject, vantage), subject.targets[vantage]);
  };

  const [subject] = prepared.subjects;
  const known = subject && frontOf(subject);
  const { entrance } = prepared;
  const front: Probes['front'] = known
    ? { ...known, dial: () => dialSubject(subject, known.vantage) }
    : entrance && { ...entrance, dial: () => once('entrance', entrance.target) };
  let refuser: Promise<Refuser | undefined> | undefined;
  return {
    front,
    silent: async () => front && dialSilent(front, trust, signal),
    http2: async () => (front?.target.kind === 'socket' ? byHttp2(front.target, trust, signal) : undefined),
    again: async () => (front?.vantage === 'public' ? dialAgain(front, trust, deps) : []),
    refuser: async () => (refuser ??= front && lookAgain(front, subject, trust, deps)),
    dial: dialSubject,
    trials: openTrials(trust, signal),
    page: (url) => {
      const within = AbortSignal.any([signal, AbortSignal.timeout(DIAL_MS)]);
      const page = pages.get(url.href) ?? fetchPage(url, { ...trust, signal: within });
      pages.set(url.href, page);
      return page;
    },
    takes: async (url) => {
      if (front?.target.kind !== 'socket') return false;
      const options = { ...trust, insecure: true, timeoutMs: LOOK_MS, signal };
      return (await look({ ...front.target, url }, { isUpgrade: true }, options)).http?.status === 101;
    },
    seen: (one, vantage) => facts.get(keyOf(one, vantage)),
    askPlainly: async () => {
      if (front?.vantage !== 'public' || front.target.kind !== 'socket') return;
      await look(front.target, { isUpgrade: false }, { ...trust, timeoutMs: LOOK_MS, signal });
    },
    publicKeys: () =>
      [...facts].flatMap(([key, { http }]) => (key.endsWith(' public') && http?.status === 101 ? [http.key] : [])),
  };
}

function keyOf({ mode }: Subject, vantage: Vantage): string {
  return `${mode} ${vantage}`;
}

/**
 * Newer viewers offer no subprotocol. Where that fails, the usual offer is made once more: what fails as well has ended
 * since, or takes one viewer, and says nothing of subprotocols.
 */
async function dialSilent(
  { target, dial: dialFront }: NonNullable<Probes['front']>,
  trust: Trust,
  signal: AbortSignal,
): Promise<DialFacts | undefined> {
  if (target.kind !== 'socket') return undefined;
  const first = await dialFront();
  if (isTimeUp(first.facts) || first.facts.thin) return undefined; // whatever is offered
  const { facts } = await dialOnce({ ...target, subprotocols: [] }, trust, signal);
  if (facts.stage === 'open') return facts;
  const again = await dialOnce(target, trust, signal);
  if (again.facts.stage !== first.facts.stage) return undefined;
  const { facts: second } = await dialOnce({ ...target, subprotocols: [] }, trust, signal);
  return second.stage === facts.stage ? facts : undefined; // chance is no contract
}

/** That HTTP/2 cannot be tried says nothing: HTTP/1.1 is what counts. */
function byHttp2(target: SocketTarget, trust: Trust, signal: AbortSignal): Promise<Http2Facts | undefined> {
  return lookByHttp2(target, { ...trust, timeoutMs: LOOK_MS, signal }).catch(() => undefined);
}

/**
 * The front dialled some more times, one after another: as long as all open, within a short time; where one does not, to the
 * last.
 */
async function dialAgain(
  { target, dial: dialFront }: NonNullable<Probes['front']>,
  trust: Trust,
  { signal, accessLog }: ProbeDeps,
): Promise<readonly Attempt[]> {
  if (target.kind !== 'socket') return [];
  const began = performance.now();
  const attempts: Attempt[] = [{ facts: (await dialFront()).facts }];
  if (attempts.some(({ facts }) => isTimeUp(facts) || isLate(facts) || facts.thin)) return attempts; // more of the same tells nothing
  while (attempts.length <= ATTEMPTS && !signal.aborted) {
    const areAllOpen = attempts.every(({ facts }) => facts.stage === 'open');
    if (areAllOpen && performance.now() - began > AGAIN_MS) break;
    if (!areAllOpen) await sleep(AGAIN_GAP_MS, undefined, { ref: false });
    const { facts } = await dialOnce(target, trust, signal);
    attempts.push({ facts });
  }
  const hasRefused = attempts.some(({ facts }) => facts.stage !== 'open');
  if (!hasRefused) return attempts;
  return Promise.all(
    attempts.map(async ({ facts }) => ({
      facts,
      server: (await awaitAccessLine(accessLog, requestOf(target.url, facts)))?.serviceAddr,
    })),
  );
}

async function dialOnce(target: DialTarget, trust: Trust, signal: AbortSignal): Promise<Dialled> {
  const dialled = await dialAnyLine(target, { ...trust, timeoutMs: DIAL_MS, keepPicture: true, signal });
  const { facts, stream } = dialled;
  if (facts.frame && stream?.picture && !facts.thin) facts.frame.isPlain = isPlain(stream.picture.pixels);
  await stream?.close();
  return dialled;
}

/** The opening waited in vain for as long as a dial may take. */
function isTimeUp({ stop, stoppedAfterMs = 0 }: DialFacts): boolean {
  return stop === 'silence' || stoppedAfterMs >= DIAL_MS / 2;
}

/** A server may draw the pointer into the picture: 32 pixels wide and high. */
const MAX_POINTER = 1_024;
const BYTES_A_PIXEL = 4;

/** Each pixel is like the first, but for what may be a pointer. */
export function isPlain(pixels: Buffer): boolean {
  const words = new Uint32Array(pixels.buffer, pixels.byteOffset, pixels.length / BYTES_A_PIXEL);
  const first = words[0];
  let others = 0;
  for (const word of words) if (word !== first && (others += 1) > MAX_POINTER) return false;
  return true;
}
