import { randomBytes } from 'node:crypto';
import { errorText, startJsonLog, withTimeout } from '../../core/index.js';
import type { GatewayConfig } from '../../settings/index.js';
import { type Keyring, type TokenClaims, parseKeyring, sealToken } from '../../tokens/index.js';
import { Admission } from '../admission.js';
import { GATEWAY_CHANNELS } from '../events.js';
import { type FrontConfig, type FrontDeps, startFront } from '../front.js';
import { countMetrics } from '../metrics.js';
import { compiledEagerly } from './compiler.js';
import { collectGarbage, leaveRoom } from './memory.js';
import { startRunner } from './runner.js';
import { type Viewer, watch } from './viewer.js';

/** Code that has known one gateway alone is bound to it, and made anew for the next: two make it good for any. */
const FRONTS = 2;
/** A machine on which it takes longer starts cold: nobody waits longer for a gateway. */
const LONGEST_MS = 3_000;
/** Of the token, in seconds: longer than any warm-up. */
const TOKEN_S = 60;
/** Viewers who see pictures, and how many each: with fewer some of the code is compiled when real viewers have come. */
const SPECTATORS = 8;
const UPDATES = 100;
/** Sessions that are open at the same time. What they leave is collected before the next: the heap would stay 5 to 7 MB larger. */
const AT_ONCE = 100;
const LOOPBACK = '127.0.0.1';
const ID = 'warm-up';
/** Of a runner that lives for as long as the warm-up. */
const PASSWORD = randomBytes(6).toString('base64url');

/** How many sessions were to be opened, and how long that took; `problem`: why it was left early. */
export interface WarmUp {
  readonly sessions: number;
  readonly ms: number;
  readonly problem?: string;
}

/**
 * Opens sessions at gateways of this process, from viewers and to a runner of its own, all on loopback, and ends them. What
 * an opening and a picture run is compiled by then: viewers who come all at once, as they do behind a restart, are let in
 * sooner, and their pictures cost what those of a gateway cost that has run for long. Memory that only the start has needed
 * is given back first. Whoever logs or counts sessions subscribes afterwards.
 * Never throws: a gateway that starts cold is a gateway.
 */
export async function warmUp(config: GatewayConfig, deps: FrontDeps): Promise<WarmUp | undefined> {
  const sessions = config.warmUpSessions;
  const began = deps.clock.monotonic();
  const spent = (): number => Math.round(deps.clock.monotonic() - began);
  try {
    if (sessions === 0) return undefined;
    collectGarbage('last-resort');
    await rehearse(sessions, config, deps);
    return { sessions, ms: spent() };
  } catch (error) {
    return { sessions, ms: spent(), problem: errorText(error) };
  } finally {
    leaveRoom(); // a gateway that starts cold needs it no less
  }
}

async function rehearse(sessions: number, config: GatewayConfig, deps: FrontDeps): Promise<void> {
  await using scope = new AsyncDisposableStack();
  const isByToken = config.tokenKeysFile !== '';
  const runner = scope.use(await startRunner(isByToken ? PASSWORD : undefined)); // a session's runner always has one
  const rehearsal = rehearsalOf(config, runner.port);
  const keyring = isByToken ? newKeyring() : undefined;
  const id = keyring ? await sealToken(claimsFor(rehearsal, runner.port, deps), keyring) : ID;
  scope.defer(startJsonLog(GATEWAY_CHANNELS, { write: () => {}, clock: deps.clock, least: config.logLevel }));
  const ports: number[] = [];
  for (let count = 0; count < FRONTS; count += 1) {
    const door = new Admission(rehearsal);
    scope.defer(countMetrics(door).stop);
    const front = await startFront(rehearsal, deps, door, async () => keyring && (async () => keyring));
    ports.push(scope.use(front).port);
  }
  await withTimeout(show(sessions, ports, id), LONGEST_MS, () => {
    throw new Error(`not done within ${LONGEST_MS} ms`);
  });
}

/**
 * Pictures first: what moves one is compiled to the last, for viewers of whom some have left. They stay until the memory
 * of all the others has been given back: V8 would let go of code for which there is no object left. The sessions that
 * follow are more than the 400 calls behind which V8 compiles what an opening calls once.
 */
async function show(sessions: number, ports: readonly number[], id: string): Promise<void> {
  const spectators = await compiledEagerly(async () => {
    await closeAll(await watchAll(SPECTATORS, ports, id));
    const viewers = await watchAll(SPECTATORS, ports, id);
    await Promise.all(viewers.map((viewer) => viewer.see(UPDATES)));
    return viewers;
  });
  leaveRoom();
  for (let left = sessions; left > 0; left -= AT_ONCE) {
    await closeAll(await watchAll(Math.min(left, AT_ONCE), ports, id));
    collectGarbage('regular');
  }
  await closeAll(spectators);
}

function watchAll(count: number, ports: readonly number[], id: string): Promise<Viewer[]> {
  return Promise.all(Array.from({ length: count }, (_, index) => watch(ports[index % ports.length]!, id)));
}

async function closeAll(viewers: readonly Viewer[]): Promise<void> {
  await Promise.all(viewers.map((viewer) => viewer.close()));
}

/** The same gateway, on loopback, without control, in front of one runner. */
function rehearsalOf(config: GatewayConfig, port: number): FrontConfig {
  return {
    ...config,
    host: LOOPBACK,
    port: 0,
    reusePort: false,
    exclusive: true,
    tlsCertificate: '',
    tlsKey: '',
    controlUrl: '',
    defaultHost: '',
    maxSessions: 2 * AT_ONCE + SPECTATORS, // who leaves may be counted while the next come
    trustedProxies: config.trustedProxies.length > 0 ? [LOOPBACK] : [],
    allowedTargets: [`${LOOPBACK}:${port}`],
    mapJson: new Map([[ID, { host: LOOPBACK, port, viewOnly: false }]]),
  };
}

function newKeyring(): Keyring {
  const key = randomBytes(32).toString('base64url');
  return parseKeyring(JSON.stringify({ active: ID, keys: { [ID]: key } }), ID);
}

function claimsFor({ fleetId }: GatewayConfig, port: number, { clock }: FrontDeps): TokenClaims {
  const iat = Math.floor(clock.now() / 1_000);
  const identity = { aud: fleetId, sid: ID, jti: ID, sub: ID, rights: 'control', pw: PASSWORD } as const;
  return { ...identity, target: { host: LOOPBACK, port }, iat, exp: iat + TOKEN_S };
}
