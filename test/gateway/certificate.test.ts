import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { X509Certificate } from 'node:crypto';
import { type ConnectionOptions, connect } from 'node:tls';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { loadCertificate } from '../../src/http/index.ts';
import { ensurePki } from '../../src/pki/index.ts';
import { startTestGateway } from './support/gateway.ts';
import { sayRaw } from './support/raw.ts';

const dir = mkdtempSync(join(tmpdir(), 'camofleet-tls-'));
const CERT = join(dir, 'cert.pem');
const KEY = join(dir, 'key.pem');

/** A pair of its own in a folder of its own. */
async function makePair(name: string): Promise<{ readonly cert: string; readonly key: string }> {
  const at = (file: string): string => join(dir, `${name}-${file}`);
  const files = {
    caCertificate: at('ca.pem'),
    caKey: at('ca.key'),
    leafCertificate: at('leaf.pem'),
    leafKey: at('leaf.key'),
  };
  await ensurePki(files, ['localhost', '127.0.0.1'], Date.now());
  return { cert: files.leafCertificate, key: files.leafKey };
}

function use({ cert, key }: { readonly cert: string; readonly key: string }): void {
  copyFileSync(cert, CERT);
  copyFileSync(key, KEY);
}

let first: { readonly cert: string; readonly key: string };
let second: { readonly cert: string; readonly key: string };
beforeAll(async () => {
  first = await makePair('first');
  second = await makePair('second');
});
beforeEach(() => use(first));
afterAll(() => rmSync(dir, { recursive: true }));

describe('certificate files', () => {
  afterEach(() => vi.useRealTimers());

  test('that change are handed on within ten seconds, and those that do not belong together are not', () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const told: string[] = [];
    const renewed: string[] = [];
    const stop = loadCertificate(CERT, KEY).watch({
      renewed: ({ cert }) => renewed.push(String(cert)),
      problem: (problem) => told.push(problem),
    });
    vi.advanceTimersByTime(30_000);
    expect([renewed, told]).toEqual([[], []]);

    copyFileSync(second.cert, CERT); // the key follows later
    vi.advanceTimersByTime(10_000);
    expect(renewed).toEqual([]);
    expect(told).toEqual([expect.stringMatching(/cannot be used: .*; the one before stays$/)]);

    copyFileSync(second.key, KEY);
    vi.advanceTimersByTime(10_000);
    expect(renewed).toEqual([readFileSync(second.cert, 'utf8')]);
    expect(told).toHaveLength(1);

    stop();
    use(first);
    vi.advanceTimersByTime(30_000);
    expect(renewed).toHaveLength(1);
  });

  test.each([
    ['do not belong together', () => copyFileSync(second.key, KEY)],
    ['are no PEM', () => writeFileSync(CERT, 'no certificate')],
    ['are not there', () => rmSync(KEY)],
  ])('that %s are an error that names both', (_name, spoil) => {
    spoil();
    expect(() => loadCertificate(CERT, KEY)).toThrow(`the certificate ${CERT} and the key ${KEY} cannot be used: `);
  });
});

describe('a gateway that ends TLS itself', () => {
  const options = (): Record<string, string> => ({
    CAMOFLEET_GATEWAY_TLS_CERT_FILE: CERT,
    CAMOFLEET_GATEWAY_TLS_KEY_FILE: KEY,
  });

  /** What a client is offered: protocol, certificate, ALPN; or why not. */
  function shake(port: number, more: ConnectionOptions): Promise<string> {
    return new Promise((resolve) => {
      const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false, ...more }, () => {
        const serial = new X509Certificate(socket.getPeerX509Certificate()!.raw).serialNumber;
        resolve(`${socket.getProtocol()} ${serial} ${socket.alpnProtocol}`);
        socket.destroy();
      });
      socket.on('error', () => resolve('refused'));
    });
  }

  test('speaks TLS 1.2 and 1.3 and HTTP/1.1, and nothing older or newer', async () => {
    await using gateway = await startTestGateway(options());
    const { serialNumber } = new X509Certificate(readFileSync(first.cert));
    const ALPNProtocols = ['http/1.1', 'h2'];
    expect(await shake(gateway.port, { ALPNProtocols })).toBe(`TLSv1.3 ${serialNumber} http/1.1`);
    expect(await shake(gateway.port, { maxVersion: 'TLSv1.2' })).toBe(`TLSv1.2 ${serialNumber} false`);
    expect(await shake(gateway.port, { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'ALL@SECLEVEL=0' })).toBe(
      'refused',
    );
    expect(await shake(gateway.port, { ALPNProtocols: ['h2'] })).toBe('refused');
  });

  test('answers nothing to plain HTTP', async () => {
    await using gateway = await startTestGateway(options());
    const answer = await sayRaw(gateway.port, 'GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n');
    expect(answer).toMatchObject({ ended: true, text: '' });
  });
});
