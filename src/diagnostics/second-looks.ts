import { setTimeout as sleep } from 'node:timers/promises';
import type { CheckContext } from './checks/index.js';
import { awaitAccessLine } from './collection/index.js';
import type { AccessLine, OwnRequest } from './logs/index.js';
import {
  type Look,
  type Refuser,
  type Seen,
  beyondTarget,
  looksAtIngress,
  looksFor,
  refuserOf,
} from './looks/index.js';
import type { ServiceSight } from './options.js';
import { DIAL_MS, LOOK_MS } from './patience.js';
import { type DialFacts, type SocketTarget, answersByItself, look } from './probe/index.js';
import type { Subject } from './subjects/index.js';
import type { Trust } from './trust.js';

interface LookDeps {
  readonly signal: AbortSignal;
  /** The access log of the ingress, where it is at hand. */
  readonly accessLog: string | undefined;
  /** How every replica is, where an engine runs them. */
  readonly services: (() => Promise<readonly ServiceSight[]>) | undefined;
}

/** Second looks at what refused the front, all at once, with what the ingress wrote of it. */
export async function lookAgain(
  { vantage, target, dial: dialFront }: NonNullable<CheckContext['front']>,
  subject: Subject | undefined,
  trust: Trust,
  { signal, accessLog, services }: LookDeps,
): Promise<Refuser | undefined> {
  if (target.kind !== 'socket') return undefined;
  const { facts } = await dialFront();
  const { url } = target;
  const log = vantage === 'public' ? accessLog : undefined;
  const line = facts.stage === 'http' ? await awaitAccessLine(log, requestOf(url, facts)) : undefined;
  const gateway = subject?.targets.gateway;
  const inner = gateway?.kind === 'socket' && gateway !== target ? gateway : undefined;
  const looks = [
    ...looksFor(target, facts, { gateway: inner ?? servedAt(target, facts, line), page: subject?.page }),
    ...(vantage === 'public' ? looksAtIngress(target, facts, inner) : []),
  ];
  const options = { ...trust, insecure: true, timeoutMs: LOOK_MS, signal }; // that a certificate is not trusted is said elsewhere
  const beyondAt = inner || facts.http || !line?.serviceAddr ? undefined : beyondTarget(target, line.serviceAddr);
  const beyond = beyondAt && look(beyondAt, { isUpgrade: false }, options);
  const alive = vantage === 'public' && facts.stage === 'http' && !facts.http && answersByItself(target, options);
  const see = async ({ what, target: at, isUpgrade }: Look): Promise<Seen> => {
    const saw = await look(at, { isUpgrade }, options);
    const own = what === 'again' ? await awaitAccessLine(log, requestOf(at.url, saw)) : undefined;
    return { what, url: at.url, facts: saw, server: own?.serviceAddr };
  };
  const seen = await Promise.all(looks.filter(({ what }) => what !== 'again').map(see));
  for (const one of looks) {
    if (one.what !== 'again') continue;
    if (one.afterMs !== undefined) {
      if (!mayComeBack(seen)) break;
      await sleep(one.afterMs, undefined, { signal });
    }
    seen.push(await see(one)); // one after another: a limit is no pattern
  }
  const ended = services && endOfGateways(await services());
  return refuserOf({ url, facts, seen, line, beyond: await beyond, isAlive: await alive, ended });
}

/** How the gateways have ended; undefined while one is not stopped, or where none was ever there. */
function endOfGateways(services: readonly ServiceSight[]): string | undefined {
  const gateways = services.filter(({ name }) => name === 'gateway');
  if (gateways.length === 0 || gateways.some(({ state }) => state !== 'stopped')) return undefined;
  return gateways.map(({ name, instance, lastEnd }) => `${instance ?? name} ${lastEnd ?? 'has stopped'}`).join(', ');
}

/** Where the ingress sent the handshake that failed, by its own log: the gateway, as far as anybody knows. */
function servedAt(target: SocketTarget, { http }: DialFacts, line: AccessLine | undefined): SocketTarget | undefined {
  if (!http || !line?.serviceAddr || !URL.canParse(`ws://${line.serviceAddr}`)) return undefined;
  return { ...target, url: new URL(`ws://${line.serviceAddr}${target.url.pathname}${target.url.search}`) };
}

/** None was taken so far, and the gateway takes what it is sent where anybody can look there. */
function mayComeBack(seen: readonly Seen[]): boolean {
  const isTaken = ({ facts }: Seen): boolean => facts.http?.status === 101;
  return (
    !seen.some((one) => one.what === 'again' && isTaken(one)) &&
    seen.every((one) => one.what !== 'inner' || isTaken(one))
  );
}

/** A dial that has just ended, as a log can tell it apart. */
export function requestOf({ pathname }: URL, { http }: DialFacts): OwnRequest {
  const until = Date.now();
  const status = http === undefined || http.status === 101 ? 0 : http.status;
  return { key: http?.key ?? '', path: pathname, status, from: until - DIAL_MS, until };
}
