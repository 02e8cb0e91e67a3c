import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DialFacts } from '../probe/facts.js';
import { type OwnerSight, type PortSight, ownerOf, portOn, workOf } from './machine.js';

/** What is known of the RFB server beside its dials, where it runs on this machine or is given more time. */
export interface ServerSight {
  /** `10.0.0.7:5901`, as it was dialled. */
  readonly dialled: string;
  readonly address: string;
  /** Undefined: the address is none of this machine's, or is not ours to look at. */
  readonly port: PortSight | undefined;
  readonly owner: OwnerSight | undefined;
  /** The greeting came after all, so long after TCP was accepted. */
  readonly lateGreetingMs: number | undefined;
  /** Share of the time in which the server ran, or wanted to, while its greeting was waited for. */
  readonly busy: number | undefined;
}

/** A greeting that takes longer, and as many times the way there and back, is no matter of the network. */
export const LATE_MS = 2_000;
const LATE_TRIPS = 20;

/** The greeting came, but long after TCP was accepted, or the upgrade was answered. */
export function isLate({ rfb, tcp, http }: DialFacts): boolean {
  const { greetingMs = 0 } = rfb ?? {};
  return greetingMs >= LATE_MS && greetingMs >= LATE_TRIPS * (http?.tookMs ?? tcp?.tookMs ?? 0);
}

/** Of a process that a signal has stopped; it greets nobody, however patient. */
export const STOPPED = 'T';
/** How long the greeting of a server that is at work is waited for: it may have the dials before to work off. */
const PATIENCE_MS = 25_000;
/** Share of the time from which on a process is at work. */
export const BUSY = 0.5;
/** Over which the use of the processor is measured. */
const SAMPLE_MS = 400;
const NANOSECONDS = 1e6;

/** Looks at the RFB server whose dial stopped: at its port in this machine's kernel, and once more with patience when it was silent. */
export async function sightOf(
  { host, port }: { readonly host: string; readonly port: number },
  facts: DialFacts,
  signal: AbortSignal,
): Promise<ServerSight> {
  const address = facts.tcp?.address ?? facts.dns?.addresses[0] ?? host;
  const seen = await portOn(address, port);
  const listener = seen?.listening[0];
  const owner = listener && (await ownerOf(listener));
  const isSlow = (facts.stage === 'greeting' && facts.stop === 'silence') || isLate(facts);
  const waited = isSlow && owner && owner.state !== STOPPED ? await patience(address, port, owner, signal) : undefined;
  return {
    dialled: `${host}:${port}`,
    address,
    port: seen,
    owner,
    lateGreetingMs: waited?.lateGreetingMs,
    busy: waited?.busy,
  };
}

/** A connection more, to see what the server does meanwhile; while it is at work its greeting may still come. */
async function patience(
  address: string,
  port: number,
  { pid }: OwnerSight,
  signal: AbortSignal,
): Promise<Pick<ServerSight, 'busy' | 'lateGreetingMs'>> {
  const enough = new AbortController();
  const greeting = greetingAfter(address, port, AbortSignal.any([signal, enough.signal]));
  const busy = await busyShare(pid);
  if (busy === undefined || busy < BUSY) enough.abort();
  return { busy, lateGreetingMs: await greeting };
}

/** The process behind a port of this machine that was dialled, whatever it serves; undefined where it cannot be seen. */
export async function ownerAt({ tcp }: DialFacts, port: number): Promise<OwnerSight | undefined> {
  const seen = tcp && (await portOn(tcp.address, port));
  const listener = seen?.listening[0];
  return listener && ownerOf(listener);
}

/** Milliseconds from a TCP connection to its first bytes; undefined when none come. */
async function greetingAfter(host: string, port: number, signal: AbortSignal): Promise<number | undefined> {
  const within = AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]);
  const socket = connect({ host, port });
  socket.on('error', () => {}); // then no bytes come
  try {
    await once(socket, 'connect', { signal: within });
    const began = performance.now();
    await once(socket, 'data', { signal: within });
    return performance.now() - began;
  } catch {
    return undefined; // it stays silent, or has ended
  } finally {
    socket.destroy();
  }
}

async function busyShare(pid: number): Promise<number | undefined> {
  await sleep(SAMPLE_MS); // the connection beside it is accepted meanwhile
  const [before, began] = [await workOf(pid), performance.now()];
  await sleep(SAMPLE_MS);
  const [after, ended] = [await workOf(pid), performance.now()];
  if (before === undefined || after === undefined) return undefined;
  return (after - before) / NANOSECONDS / (ended - began);
}
