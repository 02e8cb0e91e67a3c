import { blameFor } from '../blame.js';
import type { Code } from '../codes.js';
import type { Vantage } from '../subjects/index.js';
import { type Culprit, type Cut, type JudgeInput, type JudgedStream, SAME_MOMENT_MS } from './judged.js';
import { outgrown } from './alone.js';
import { contradicted, outrun } from './contradicted.js';
import { generationOf } from './generations.js';
import { gatewayDraining, serviceEnded, sessionEnded, socketClosed } from './testimony.js';
import { timedCulprit, weighedFor } from './timed.js';

/** Close codes of the gateway, and the cause that each stands for (spec section 5). */
const CAUSE_OF_CODE: Readonly<Record<number, string>> = {
  1002: 'protocol_error',
  1011: 'internal',
  1012: 'draining',
  4403: 'rights_revoked',
  4408: 'idle',
  4410: 'session_ended',
  4413: 'slow_viewer',
  4502: 'upstream_closed',
  4504: 'upstream_lost',
};

/** Above it a close code is one of our gateway, or of nobody. */
const OWN_CODES = 1011;

const CODE_OF_CAUSE: Readonly<Record<string, Code>> = {
  upstream_closed: 'CF-RUNNER-CLOSED',
  upstream_lost: 'CF-RUNNER-CLOSED',
  idle: 'CF-GATEWAY-CUT',
  slow_viewer: 'CF-GATEWAY-CUT',
  protocol_error: 'CF-GATEWAY-CUT',
  internal: 'CF-GATEWAY-CUT',
  draining: 'CF-GATEWAY-DRAINING',
  session_ended: 'CF-CONTROL-RELEASED',
  rights_revoked: 'CF-CONTROL-REVOKED',
};

/** How the last words of a session begin, and what has ended then. */
const LAST_WORDS: readonly (readonly [string, Code])[] = [
  ['Xvfb', 'CF-RUNNER-DISPLAY'],
  ['x11vnc', 'CF-RUNNER-VNC'],
  ['browser', 'CF-BROWSER-EXIT'],
];

/** What is known of the streams of one session at the moment of the first cut. */
interface Scene {
  readonly first: Cut;
  /** Those near the first. */
  readonly cuts: readonly Cut[];
  readonly all: readonly Cut[];
  readonly isCut: (vantage: Vantage) => boolean;
  /** It was there, and verify itself ended it. */
  readonly lives: (vantage: Vantage) => boolean;
  readonly input: JudgeInput;
}

/** Who let go of the streams of one session: what was announced, then what survived where, then what was said. */
export function culpritOf(cuts: readonly Cut[], input: JudgeInput): Culprit {
  const first = cuts.reduce((earliest, cut) => (cut.end.at < earliest.end.at ? cut : earliest));
  // A cut that comes much later has a cause of its own, or is a consequence.
  const near = cuts.filter(({ end }) => end.at - first.end.at <= SAME_MOMENT_MS);
  const own = input.streams.filter(({ session }) => session === first.session);
  const scene: Scene = {
    first,
    cuts: near,
    all: cuts,
    isCut: (vantage) => near.some((cut) => cut.vantage === vantage),
    lives: (vantage) => own.some((one) => one.vantage === vantage && lived(one, first)),
    input,
  };
  const culprit =
    announced(scene) ?? outgrown(cuts, input) ?? (scene.isCut('rfb') ? runner(scene, 'proven') : past(scene));
  const weighed = weighedFor(cuts, input);
  return weighed.length > 0 ? { ...culprit, weighed } : culprit;
}

/** It was open when the first was cut. */
function lived({ end, answeredAtEnd }: JudgedStream, first: Cut): boolean {
  if (!end || answeredAtEnd === false) return false;
  return end.bySelf || end.at - first.end.at > SAME_MOMENT_MS;
}

/** A release is nobody's failure: somebody decided. */
function announced({ first, input }: Scene): Culprit | undefined {
  const ended = sessionEnded(first, input);
  const reason = ended?.line.facts['reason'];
  return reason === 'released' || reason === 'expired'
    ? { code: 'CF-CONTROL-RELEASED', confidence: 'proven', evidence: [ended!.evidence] }
    : undefined;
}

/** The raw stream was not cut, or nobody looked there. */
function past(scene: Scene): Culprit {
  // Close frames of our gateway tell why; others only that whoever sent them speaks WebSocket.
  const isTold = scene.cuts.some((cut) => (cut.end.code ?? 0) > OWN_CODES || causeOf(cut, scene.input));
  const timed = timedCulprit(scene.all, scene.input);
  const untrue = contradicted(scene.all, timed, scene.lives('rfb')) ?? outrun(scene.all, scene.input.streams);
  const said = untrue ?? (isTold ? undefined : timed) ?? words(scene) ?? timed;
  const replaced = said ?? replacedInFront(scene);
  if (replaced) return replaced;
  if (scene.isCut('gateway')) return gateway(scene);
  if (scene.lives('gateway')) return ingress(scene);
  return scene.isCut('public') ? fromOutside(scene) : gateway(scene);
}

/** Whoever let go went on to take new sockets, and let go of all older ones at once: it was told to read its settings anew. */
function replacedInFront({ input, first, isCut, lives }: Scene): Culprit | undefined {
  if (isCut('gateway') || serviceEnded('ingress', input) || first.end.how === 'close_frame') return undefined;
  const generation = generationOf(input.streams.filter(({ vantage }) => vantage === 'public'));
  const isSure = generation && (lives('gateway') || generation.youngerLived > 0);
  if (!isSure) return undefined;
  const { ended, youngerLived } = generation;
  const text = `streams: ${ended} ended together, whatever they carried; ${youngerLived} that were opened later lived on, and the port took new ones`;
  return { code: 'CF-EDGE-RELOAD', confidence: 'likely', evidence: [{ file: 'report.json', text }] };
}

/** A gateway that ends a socket says why, in its log and in the close frame; an ingress sends no close frame. */
function words(scene: Scene): Culprit | undefined {
  const { cuts, input } = scene;
  const logged = cuts.flatMap((cut) => causeOf(cut, input) ?? []);
  const framed = cuts.flatMap(({ end }) => CODE_OF_CAUSE[CAUSE_OF_CODE[end.code ?? 0] ?? ''] ?? []);
  const code = logged[0] ?? framed[0];
  const confidence = logged.length > 0 ? 'proven' : 'likely';
  // Where another stream of the same runner lives on, the network between gateway and runner is not excluded.
  if (code === 'CF-RUNNER-CLOSED') return runner(scene, scene.lives('rfb') ? 'likely' : confidence);
  if (code) return { code, confidence };
  // Of a foreign relay: it ends its side in order when the runner has ended.
  return cuts.some(({ end }) => end.how === 'close_frame') && !scene.lives('rfb') && !scene.lives('gateway')
    ? runner(scene, 'possible')
    : undefined;
}

/** What the log of the gateway lays an end to; nothing where it took the end for one of the viewer, who was us. */
function causeOf(cut: Cut, input: JudgeInput): Code | undefined {
  return CODE_OF_CAUSE[String(socketClosed(cut, input)?.line.facts['cause'])];
}

function runner({ first, cuts, input }: Scene, confidence: Culprit['confidence']): Culprit {
  const died = serviceEnded('runner', input);
  if (died) return { code: 'CF-RUNNER-GONE', confidence: 'proven', evidence: [died.evidence] };
  const ended = sessionEnded(first, input);
  const said = ended?.evidence.text ?? '';
  const isGone = cuts.some((cut) => cut.vantage === 'rfb' && isRefused(cut));
  const code =
    LAST_WORDS.find(([word]) => said.startsWith(word))?.[1] ?? (isGone ? 'CF-RUNNER-VNC' : 'CF-RUNNER-CLOSED');
  return { code, confidence: ended ? 'proven' : confidence, evidence: ended ? [ended.evidence] : [] };
}

function gateway(scene: Scene): Culprit {
  const { cuts, input } = scene;
  const died = serviceEnded('gateway', input);
  if (died) return { code: 'CF-GATEWAY-GONE', confidence: 'proven', evidence: [died.evidence] };
  const draining = gatewayDraining(input);
  if (draining) return { code: 'CF-GATEWAY-DRAINING', confidence: 'proven', evidence: [draining.evidence] };
  const confidence = scene.lives('rfb') ? 'proven' : 'likely';
  const isGone = cuts.some((cut) => cut.vantage === 'gateway' && cut.after && isRefused(cut));
  return { code: isGone ? 'CF-GATEWAY-GONE' : 'CF-GATEWAY-CUT', confidence };
}

/** The gateway carries the session on, the public stream has ended. */
function ingress(scene: Scene): Culprit {
  const { cuts, input } = scene;
  const ended = serviceEnded('ingress', input);
  if (ended) return { code: 'CF-TRAEFIK-STOPPED', confidence: 'proven', evidence: [ended.evidence] };
  if (cuts.some(isRefused)) return { code: 'CF-TRAEFIK-STOPPED', confidence: 'proven' };
  // Traefik passes bytes on and never says good-bye in a frame of its own.
  if (cuts.some(({ end }) => end.how === 'close_frame')) return { code: 'CF-EDGE-CLOSED', confidence: 'likely' };
  return { code: isIdleCut(scene) ? 'CF-EDGE-IDLE' : 'CF-TRAEFIK-CUT', confidence: 'likely' };
}

/** Nothing is known of the inside but what logs and a second dial say. */
function fromOutside(scene: Scene): Culprit {
  const { cuts, input } = scene;
  for (const [service, code] of [
    ['runner', 'CF-RUNNER-GONE'],
    ['gateway', 'CF-GATEWAY-GONE'],
    ['ingress', 'CF-TRAEFIK-STOPPED'],
  ] as const) {
    const ended = serviceEnded(service, input);
    if (ended) return { code, confidence: 'proven', evidence: [ended.evidence] };
  }
  const after = cuts.find((cut) => cut.after && cut.after.stage !== 'open')?.after;
  if (!after) return { code: isIdleCut(scene) ? 'CF-EDGE-IDLE' : 'CF-TRAEFIK-CUT', confidence: 'possible' };
  const { code } = blameFor(after, { vantage: 'public' });
  return { code: GONE[code] ?? code, confidence: 'likely' };
}

/** What a dial after the cut finds was there before it: so it has gone since. */
const GONE: Readonly<Partial<Record<Code, Code>>> = {
  'CF-TRAEFIK-DOWN': 'CF-TRAEFIK-STOPPED',
  'CF-GATEWAY-DOWN': 'CF-GATEWAY-GONE',
  'CF-RUNNER-REFUSED': 'CF-RUNNER-CLOSED',
};

function isRefused({ after, vantage }: Cut): boolean {
  return after?.stage === 'tcp' && GONE[blameFor(after, { vantage }).code] !== undefined;
}

/** Only quiet streams were cut, and a busy one by their side was not: no timer of Traefik does that. */
function isIdleCut({ cuts, input, first }: Scene): boolean {
  const isQuiet = cuts.every(({ mode, end }) => mode === 'still' && end.how !== 'close_frame');
  return isQuiet && input.streams.some((one) => one.vantage === 'public' && one.mode !== 'still' && lived(one, first));
}
