import { type Socket, isIP } from 'node:net';
import {
  type PeerCertificate,
  type SecureContext,
  type TLSSocket,
  checkServerIdentity,
  connect as connectTls,
  createSecureContext,
  getCACertificates,
} from 'node:tls';
import { errorText } from '../../core/index.js';
import { printable } from '../../rfb/index.js';
import { type ConnectOptions, type Connection, fail } from './connect.js';
import type { DialFacts } from './facts.js';
import { whenAborted, whyAborted } from './limit.js';
import { TlsTap } from './tls-tap.js';

/** Types of TLS records (RFC 8446 section 5.1): what a peer that speaks TLS says first is one of these. */
const RECORD_TYPES: ReadonlySet<number> = new Set([20, 21, 22, 23]);

/** TLS over a TCP socket, for HTTP/1.1. Undefined when it fails or the certificate is not trusted; the socket is gone then. */
export async function openTls(tcp: Socket, options: ConnectOptions, facts: DialFacts): Promise<Connection | undefined> {
  facts.stage = 'tls';
  const secureContext = trusting(options.ca);
  const began = performance.now();
  const tap = new TlsTap(tcp);
  const socket = connectTls({
    socket: tap,
    host: options.host,
    ...(isIP(options.host) ? {} : { servername: options.host }),
    ALPNProtocols: ['http/1.1'],
    rejectUnauthorized: false,
    secureContext,
  });
  try {
    await handshake(socket, options.signal);
  } catch (error) {
    failTls(facts, error, tap);
    socket.destroy();
    tcp.destroy();
    return undefined;
  }
  facts.tls = { ...describe(socket, options.host), tookMs: performance.now() - began };
  if (socket.authorized || options.insecure) return { socket, tap };
  const { problem = 'UNTRUSTED' } = facts.tls;
  facts.errorCode = problem;
  facts.failure = distrust(problem, socket.getPeerCertificate(), options.host);
  socket.destroy();
  return undefined;
}

/** Node's own authorities and one more. */
export function trusting(ca: string | undefined): SecureContext {
  return createSecureContext(ca === undefined ? {} : { ca: [...getCACertificates('default'), ca] });
}

function handshake(socket: TLSSocket, signal: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  socket.once('secureConnect', resolve);
  socket.on('error', reject); // stays: between two owners a socket must not be without
  socket.once('close', () => reject(new Error('the connection closed during the TLS handshake')));
  const release = whenAborted(signal, () => reject(new Error(whyAborted(signal, 'an answer to the TLS handshake'))));
  return promise.finally(release);
}

/** A peer that spoke something else is quoted: OpenSSL would only say that a version number is wrong. */
function failTls(facts: DialFacts, error: unknown, tap: TlsTap): void {
  fail(facts, error);
  const [type] = tap.first;
  if (type === undefined || RECORD_TYPES.has(type)) return;
  facts.failure = `wanted TLS, got ${printable(tap.first)}`;
  facts.isPlaintext = true;
}

function describe(socket: TLSSocket, host: string): Omit<NonNullable<DialFacts['tls']>, 'tookMs'> {
  const certificate = socket.getPeerCertificate();
  return {
    authorized: socket.authorized,
    problem: socket.authorized ? undefined : problemOf(socket, host),
    protocol: socket.getProtocol() ?? 'unknown',
    subject: nameOf(certificate),
    validTo: certificate.valid_to ? new Date(certificate.valid_to).toISOString() : '',
  };
}

/** A certificate that nobody signed and that is for another name as well was not made for this host: the name says more. */
function problemOf(socket: TLSSocket, host: string): string {
  const problem = errorText(socket.authorizationError);
  const isUnsigned = /SELF_SIGNED|UNABLE_TO_|UNTRUSTED/.test(problem);
  const covers = checkServerIdentity(host, socket.getPeerCertificate()) === undefined;
  return isUnsigned && !covers ? 'ERR_TLS_CERT_ALTNAME_INVALID' : problem;
}

/** Why a certificate is not trusted, with what it says of itself and OpenSSL's own word for it. */
function distrust(problem: string, certificate: PeerCertificate, host: string): string {
  const name = nameOf(certificate);
  switch (problem) {
    case 'CERT_HAS_EXPIRED':
      return `the certificate of ${name} was valid until ${certificate.valid_to} (${problem})`;
    case 'CERT_NOT_YET_VALID':
      return `the certificate of ${name} is valid from ${certificate.valid_from} on (${problem})`;
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return `the certificate of ${name} covers ${certificate.subjectaltname ?? name}, not ${host} (${problem})`;
    default:
      return `the certificate of ${name}, issued by ${String(certificate.issuer?.CN ?? 'nobody')}, is not trusted (${problem})`;
  }
}

function nameOf(certificate: PeerCertificate): string {
  return String(certificate.subject?.CN ?? certificate.subjectaltname ?? 'no name');
}
