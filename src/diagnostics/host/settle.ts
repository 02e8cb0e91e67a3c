import type { Confidence, EvidenceRef, Finding } from '../../report/index.js';
import { hopOf } from '../blame.js';
import { CODES, type Code } from '../codes.js';
import type { DialFacts } from '../probe/facts.js';
import type { OwnerSight } from './machine.js';
import { BUSY, STOPPED, type ServerSight } from './sight.js';
import type { ServerWords } from './words.js';

/** All that tells of the RFB server of a session. */
export interface Testimony {
  readonly sight: ServerSight | undefined;
  readonly words: ServerWords;
  /** The gateway whose dial stopped, as this machine sees it, and the line of its log that tells of descriptors. */
  readonly gateway?: {
    readonly owner: OwnerSight | undefined;
    readonly said: EvidenceRef | undefined;
    /** The line that says that it was refused where the RFB server answers us. */
    readonly refusedAt: EvidenceRef | undefined;
  };
  /** Dials of the session that showed a picture, whatever came afterwards. */
  readonly opened: readonly DialFacts[];
  /** The control plane's own line of the end of a session, near a stream that was cut. */
  readonly reaped: EvidenceRef | undefined;
  /** Streams were cut that had shown a picture. */
  readonly isCut: boolean;
}

interface Sharper {
  readonly code: Code;
  readonly confidence: Confidence;
  readonly saw: string;
  readonly evidence: readonly EvidenceRef[];
}

/** Findings about the RFB server, made more precise by what its machine and its own log say. */
export function settled(findings: readonly Finding[], testimony: Testimony): readonly Finding[] {
  return findings.map((finding) => {
    const sharper = sharpened(finding.code, testimony);
    if (!sharper) return finding;
    const { code, confidence, saw, evidence } = sharper;
    const { want, remedy, not } = CODES[code];
    const { knownAfterMs, ...told } = finding;
    return {
      ...told,
      ...(knownAfterMs !== undefined && hopOf(code) === finding.hop && { knownAfterMs }), // another hop was named later
      code,
      hop: hopOf(code),
      confidence,
      saw: `${finding.saw}; ${saw}`,
      want,
      remedy,
      not,
      evidence: [...evidence, ...finding.evidence],
    };
  });
}

function sharpened(code: string, testimony: Testimony): Sharper | undefined {
  switch (code) {
    case 'CF-RUNNER-REFUSED':
      return (
        exhausted(testimony) ??
        elsewhere(testimony) ??
        locked(testimony) ??
        orphaned(testimony) ??
        ordered(testimony) ??
        ended(testimony)
      );
    case 'CF-RUNNER-CLOSED':
    case 'CF-RUNNER-VNC':
    case 'CF-RUNNER-GONE':
      return ordered(testimony) ?? orphaned(testimony);
    case 'CF-RUNNER-FRAME':
    case 'CF-RUNNER-FROZEN':
      return orphaned(testimony);
    case 'CF-GATEWAY-SILENT':
    case 'CF-GATEWAY-UPGRADE':
    case 'CF-GATEWAY-FAULT':
    case 'CF-GATEWAY-REFUSED':
    case 'CF-NETWORK-BLOCKED':
      return exhausted(testimony);
    case 'CF-GATEWAY-DIAL':
      return exhausted(testimony) ?? fenced(testimony);
    case 'CF-RUNNER-SHARED':
      return taken(testimony);
    case 'CF-RUNNER-SILENT':
    case 'CF-RUNNER-LATE':
      return late(testimony);
    default:
      return undefined;
  }
}

/** Somebody listens at that port, but not on the address that is dialled. */
function elsewhere({ sight, words }: Testimony): Sharper | undefined {
  const code = 'CF-RUNNER-LOOPBACK';
  const bound = sight?.port?.listening ?? [];
  if (sight && bound.length > 0 && bound.every(({ address }) => !takes(address, sight.address))) {
    const where = bound.map(({ address, port }) => `${address}:${port}`).join(', ');
    const saw = `${sight.owner?.name ?? 'the server'} listens on ${where} alone, and ${sight.dialled} is dialled`;
    return { code, confidence: 'proven', saw, evidence: [onMachine(saw)] };
  }
  if (!words.loopback || bound.length > 0) return undefined;
  return { code, confidence: 'likely', saw: 'its log says that it listens on localhost', evidence: [words.loopback] };
}

function takes(bound: string, address: string): boolean {
  return bound === '0.0.0.0' || bound === '::' || bound === address;
}

/** It was there for one viewer, and is not for the next. */
function ended({ sight, words, opened }: Testimony): Sharper | undefined {
  const code = 'CF-RUNNER-ONE-SHOT';
  const isGone = sight?.port?.listening.length === 0;
  const gone: readonly EvidenceRef[] = isGone ? [onMachine(`nobody listens at ${sight.dialled} any more`)] : [];
  if (words.left)
    return {
      code,
      confidence: isGone || opened.length > 0 ? 'proven' : 'likely',
      saw: 'its log ends with a viewer that left',
      evidence: [words.left, ...gone],
    };
  if (opened.length === 0) return undefined;
  const saw = 'it showed a picture to the first viewer of this run, and refuses since that one left';
  return { code, confidence: 'likely', saw, evidence: gone };
}

/** A server that was watched did not end by itself: it was told to. */
function ordered({ reaped, words, opened, isCut }: Testimony): Sharper | undefined {
  const code = 'CF-CONTROL-RELEASED';
  if (!isCut && opened.length === 0) return undefined; // what was never seen in this run has another story
  if (reaped) {
    const saw = 'the control plane says just before that it ended the session';
    return { code, confidence: 'proven', saw, evidence: [reaped, ...(words.told ? [words.told] : [])] };
  }
  if (!words.told) return undefined;
  const saw = 'the RFB server was told to end by a signal: whoever supervises it decided that';
  return { code, confidence: 'likely', saw, evidence: [words.told] };
}

/** It followed its X server, which had ended before. */
function orphaned({ words }: Testimony): Sharper | undefined {
  if (!words.orphaned) return undefined;
  const saw = 'the log of the RFB server says that it lost its X server';
  return { code: 'CF-RUNNER-DISPLAY', confidence: 'proven', saw, evidence: [words.orphaned] };
}

/** Nobody listens, for the X server could not start. */
function locked({ words }: Testimony): Sharper | undefined {
  if (!words.locked) return undefined;
  const saw = 'the log of the runner says that its X server found the lock of another one';
  return { code: 'CF-RUNNER-LOCK', confidence: 'proven', saw, evidence: [words.locked] };
}

/** So many of its descriptors are in use that the next connection finds none. */
const USED_UP = 0.97;

/** The gateway cannot open another socket. */
function exhausted({ gateway }: Testimony): Sharper | undefined {
  const { owner, said } = gateway ?? {};
  const limit = owner?.openFiles ?? Number.POSITIVE_INFINITY;
  const isFull = owner !== undefined && owner.opened >= limit * USED_UP;
  if (!isFull && !said) return undefined;
  const saw = isFull
    ? `${owner.name} has ${owner.opened} of ${limit} file descriptors in use`
    : 'the log of the gateway says that it has too many open files';
  return {
    code: 'CF-GATEWAY-DESCRIPTORS',
    confidence: 'proven',
    saw,
    evidence: [...(said ? [said] : []), ...(isFull ? [onMachine(saw)] : [])],
  };
}

/** The gateway is refused at the very address that answers us: somebody on the way refuses for it. */
function fenced({ gateway }: Testimony): Sharper | undefined {
  const { refusedAt } = gateway ?? {};
  if (!refusedAt) return undefined;
  const saw = 'the log of the gateway names the very address at which the RFB server answers us';
  return { code: 'CF-NETWORK-BLOCKED', confidence: 'likely', saw, evidence: [refusedAt] };
}

/** Another viewer is connected. */
function taken({ sight, words }: Testimony): Sharper | undefined {
  const others = sight?.port?.established ?? 0;
  if (!words.denied && others === 0) return undefined;
  const saw = words.denied ? 'its log says that it denied an additional client' : 'another viewer is connected to it';
  const evidence = [...(words.denied ? [words.denied] : []), ...(others > 0 ? [onMachine(saw)] : [])];
  return { code: 'CF-RUNNER-SHARED', confidence: 'proven', saw, evidence };
}

/** So many descriptors are too many to walk over for each connection. */
const HUGE_LIMIT = 1_000_000;

/** It is not silent for ever, only for long, or is busy with something of its own. */
function late({ sight }: Testimony): Sharper | undefined {
  if (!sight) return undefined;
  const { owner, busy = 0, lateGreetingMs } = sight;
  if (owner?.state === STOPPED) {
    const saw = `${owner.name} is stopped by a signal (state T), and the kernel accepts for it`;
    return { code: 'CF-RUNNER-SILENT', confidence: 'proven', saw, evidence: [onMachine(saw)] };
  }
  const isHuge = (owner?.openFiles ?? 0) >= HUGE_LIMIT;
  const isBusy = busy >= BUSY;
  if (lateGreetingMs === undefined && !(isHuge && isBusy)) return undefined;
  const facts = [
    ...(lateGreetingMs === undefined ? [] : [`with patience its greeting came after ${seconds(lateGreetingMs)}`]),
    ...(isBusy ? [`${owner?.name} was at work for ${Math.round(busy * 100)} % of the time meanwhile`] : []),
    ...(isHuge ? [`it may open ${owner?.openFiles} files`] : []),
  ];
  const saw = facts.join(', ');
  return {
    code: 'CF-RUNNER-LATE',
    confidence: isHuge && isBusy ? 'proven' : 'likely',
    saw,
    evidence: [onMachine(saw)],
  };
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}

function onMachine(text: string): EvidenceRef {
  return { file: 'report.json', text: `this machine: ${text}` };
}
