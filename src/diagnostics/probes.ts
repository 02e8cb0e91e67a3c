import { setTimeout as sleep } from 'node:timers/promises';
import type { CheckContext } from './checks/index.js';
import { type DialFacts, type DialTarget, type Dialled, dial, fetchPage } from './probe/index.js';
import { type Prepared, type Subject, type Vantage, frontOf } from './subjects/index.js';
import type { Trust } from './trust.js';

/** The dials and pages of a run: each is made once, however many checks ask. */
export interface Probes extends Pick<CheckContext, 'front' | 'dial' | 'page'> {
  /** What a dial that has finished saw; undefined while nobody has asked. */
  seen(subject: Subject, vantage: Vantage): DialFacts | undefined;
  /** Sec-WebSocket-Keys of sockets that opened at the public URL: each has its line in the access log. */
  publicKeys(): readonly string[];
}

/** From the beginning of a dial to its first frame. */
export const DIAL_MS = 6_000;
/** A public dial that takes longer is not waited for: the inner vantage points are dialled beside it. */
const HEADSTART_MS = 500;

/** Probes of what was prepared. A subject that fails in public is dialled at its other vantage points at once. */
export function openProbes(prepared: Prepared, trust: Trust, signal: AbortSignal): Probes {
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
  return {
    front: known
      ? { ...known, dial: () => dialSubject(subject, known.vantage) }
      : entrance && { ...entrance, dial: () => once('entrance', entrance.target) },
    dial: dialSubject,
    page: (url) => {
      const within = AbortSignal.any([signal, AbortSignal.timeout(DIAL_MS)]);
      const page = pages.get(url.href) ?? fetchPage(url, { ...trust, signal: within });
      pages.set(url.href, page);
      return page;
    },
    seen: (one, vantage) => facts.get(keyOf(one, vantage)),
    publicKeys: () =>
      [...facts].flatMap(([key, { http }]) => (key.endsWith(' public') && http?.status === 101 ? [http.key] : [])),
  };
}

function keyOf({ mode }: Subject, vantage: Vantage): string {
  return `${mode} ${vantage}`;
}

async function dialOnce(target: DialTarget, trust: Trust, signal: AbortSignal): Promise<Dialled> {
  const dialled = await dial(target, { ...trust, timeoutMs: DIAL_MS, keepPicture: true, signal });
  await dialled.stream?.close();
  return dialled;
}
