import { lookup } from 'node:dns/promises';
import { type Socket, connect as connectTcp, isIP } from 'node:net';
import { type TLSSocket, connect as connectTls } from 'node:tls';
import { errorText } from '../../core/index.js';
import type { DialFacts } from './facts.js';
import { TlsTap } from './tls-tap.js';

export interface ConnectOptions {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
  /** PEM of an authority to trust beside the system's. */
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

/** Name, TCP, TLS: each writes its facts. Undefined when one was not passed; `facts` then says which and why. */
export async function connect(options: ConnectOptions, facts: DialFacts): Promise<Connection | undefined> {
  const address = await resolveName(options, facts);
  if (address === undefined) return undefined;
  const tcp = await openTcp(address, options, facts);
  if (!tcp) return undefined;
  if (!options.tls) return { socket: tcp, tap: undefined };
  return openTls(tcp, options, facts);
}

async function resolveName({ host, port, resolve }: ConnectOptions, facts: DialFacts): Promise<string | undefined> {
  facts.stage = 'dns';
  const began = performance.now();
  const given = resolve.get(`${host}:${port}`) ?? (isIP(host) ? host : undefined);
  try {
    const addresses = given === undefined ? (await lookup(host, { all: true })).map(({ address }) => address) : [given];
    facts.dns = { addresses, tookMs: performance.now() - began };
    return addresses.find((found) => !found.includes(':')) ?? addresses[0];
  } catch (error) {
    fail(facts, error);
    return undefined;
  }
}

function openTcp(address: string, { port, signal }: ConnectOptions, facts: DialFacts): Promise<Socket | undefined> {
  facts.stage = 'tcp';
  const began = performance.now();
  return new Promise((resolve) => {
    const socket = connectTcp({ host: address, port, noDelay: true });
    const abort = (): void => void socket.destroy(new Error('no answer in time'));
    signal.addEventListener('abort', abort, { once: true });
    const done = (result: Socket | undefined): void => {
      signal.removeEventListener('abort', abort);
      socket.removeAllListeners('error');
      socket.on('error', () => {}); // its next owner listens anew
      resolve(result);
    };
    socket.once('connect', () => {
      facts.tcp = { address, tookMs: performance.now() - began };
      if (socket.localPort !== undefined) facts.localPort = socket.localPort;
      done(socket);
    });
    socket.once('error', (error) => {
      fail(facts, error);
      done(undefined);
    });
  });
}

function openTls(
  tcp: Socket,
  { host, ca, insecure, signal }: ConnectOptions,
  facts: DialFacts,
): Promise<Connection | undefined> {
  facts.stage = 'tls';
  const began = performance.now();
  const tap = new TlsTap(tcp);
  return new Promise((resolve) => {
    const socket = connectTls({
      socket: tap,
      ...(isIP(host) ? {} : { servername: host }),
      host,
      ALPNProtocols: ['http/1.1'],
      rejectUnauthorized: false,
      ...(ca !== undefined && { ca }),
    });
    const abort = (): void => void socket.destroy(new Error('no TLS answer in time'));
    signal.addEventListener('abort', abort, { once: true });
    const done = (result: Connection | undefined): void => {
      signal.removeEventListener('abort', abort);
      resolve(result);
    };
    socket.on('error', (error) => {
      if (facts.stage === 'tls') fail(facts, error);
      done(undefined);
    });
    socket.once('close', () => {
      if (facts.stage === 'tls') facts.failure ??= 'the connection closed during the TLS handshake';
      done(undefined);
    });
    socket.once('secureConnect', () => {
      const certificate = socket.getPeerCertificate();
      const problem = socket.authorized ? undefined : errorText(socket.authorizationError);
      facts.tls = {
        authorized: socket.authorized,
        problem,
        protocol: socket.getProtocol() ?? 'unknown',
        subject: String(certificate.subject?.CN ?? 'no name'),
        validTo: certificate.valid_to ? new Date(certificate.valid_to).toISOString() : '',
        tookMs: performance.now() - began,
      };
      if (socket.authorized || insecure) {
        done({ socket, tap });
        return;
      }
      facts.failure = problem ?? 'the certificate is not trusted';
      facts.errorCode = problem ?? 'UNTRUSTED';
      done(undefined);
      socket.destroy();
    });
  });
}

export function fail(facts: DialFacts, error: unknown): void {
  facts.failure = errorText(error);
  if (error instanceof Error && 'code' in error) facts.errorCode = String(error.code);
}
