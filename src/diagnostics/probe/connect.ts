import { lookup } from 'node:dns/promises';
import { type Socket, connect as connectTcp, isIP } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { errorText } from '../../core/index.js';
import type { DialFacts } from './facts.js';
import { whenAborted, whyAborted } from './limit.js';
import type { TlsTap } from './tls-tap.js';
import { openTls } from './tls.js';

export interface ConnectOptions {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
  /** PEM of an authority to trust beside those that Node trusts. */
  readonly ca: string | undefined;
  readonly insecure: boolean;
  /** `host:port` → address, as with curl's --resolve. */
  readonly resolve: ReadonlyMap<string, string>;
  readonly signal: AbortSignal;
}

export interface Connection {
  readonly socket: Socket | TLSSocket;
  /** Present over TLS. */
  readonly tap: TlsTap | undefined;
}

/** Of a name with several addresses each but the last is given so long. */
const ATTEMPT_MS = 2_000;
/** Addresses of a name that are dialled; IPv4 first. */
const MAX_ADDRESSES = 4;
/** As browsers do; a peer of a still screen that has vanished is noticed by it alone where there are no pings. */
const KEEPALIVE_MS = 45_000;

/** Name, TCP, TLS: each writes its facts. Undefined when one was not passed; `facts` then says which and why. */
export async function connect(options: ConnectOptions, facts: DialFacts): Promise<Connection | undefined> {
  const addresses = await resolveName(options, facts);
  if (!addresses) return undefined;
  const tcp = await openTcp(addresses, options, facts);
  if (!tcp) return undefined;
  return options.tls ? openTls(tcp, options, facts) : { socket: tcp, tap: undefined };
}

async function resolveName(
  { host, port, resolve, signal }: ConnectOptions,
  facts: DialFacts,
): Promise<readonly string[] | undefined> {
  facts.stage = 'dns';
  const began = performance.now();
  const given = resolve.get(`${host}:${port}`) ?? (isIP(host) ? host : undefined);
  try {
    const found = given === undefined ? await lookUp(host, signal) : [given];
    const addresses = found.toSorted((a, b) => isIP(a) - isIP(b));
    facts.dns = { addresses, tookMs: performance.now() - began };
    return addresses.slice(0, MAX_ADDRESSES);
  } catch (error) {
    fail(facts, error);
    return undefined;
  }
}

/** The resolver cannot be stopped: when time runs out its answer is not waited for. */
function lookUp(host: string, signal: AbortSignal): Promise<string[]> {
  const { promise, resolve, reject } = Promise.withResolvers<string[]>();
  const release = whenAborted(signal, () => reject(new Error(whyAborted(signal, 'the resolver'))));
  lookup(host, { all: true }).then((found) => resolve(found.map(({ address }) => address)), reject);
  return promise.finally(release);
}

/** The first of the addresses that answers. */
export async function openTcp(
  addresses: readonly string[],
  { port, signal }: ConnectOptions,
  facts: DialFacts,
): Promise<Socket | undefined> {
  facts.stage = 'tcp';
  const began = performance.now();
  const failures: unknown[] = [];
  for (const [index, address] of addresses.entries()) {
    const isLast = index === addresses.length - 1;
    try {
      const socket = await dialAddress(address, port, signal, isLast ? undefined : ATTEMPT_MS);
      facts.tcp = { address, tookMs: performance.now() - began };
      if (socket.localPort !== undefined) facts.localPort = socket.localPort;
      return socket;
    } catch (error) {
      failures.push(error);
      if (signal.aborted) break;
    }
  }
  fail(facts, failures[0]);
  facts.failure = failures.map(errorText).join('; ');
  return undefined;
}

function dialAddress(address: string, port: number, signal: AbortSignal, ms: number | undefined): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const socket = connectTcp({
    host: address,
    port,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: KEEPALIVE_MS,
  });
  const answer = `an answer from ${address} port ${port}`;
  socket.once('connect', () => resolve(socket));
  socket.on('error', reject); // stays: between two owners a socket must not be without
  const timer =
    ms === undefined ? undefined : setTimeout(() => socket.destroy(new Error(`waited in vain for ${answer}`)), ms);
  const release = whenAborted(signal, () => socket.destroy(new Error(whyAborted(signal, answer))));
  return promise.finally(() => {
    clearTimeout(timer);
    release();
  });
}

export function fail(facts: DialFacts, error: unknown): void {
  facts.failure = errorText(error);
  if (error instanceof Error && 'code' in error) facts.errorCode = String(error.code);
}
