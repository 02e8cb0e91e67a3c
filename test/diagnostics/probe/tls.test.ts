import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer, getCACertificates, setDefaultCACertificates } from 'node:tls';
import { beforeAll, describe, expect, test } from 'vitest';
import { dialled, expectNoneOpen, opened, socketAt } from './support/dialling.ts';
import { type Certificate, type Peer, certificateFor, startPeer } from './support/peer.ts';
import { gateway } from './support/rfb.ts';

let good: Certificate;
beforeAll(async () => {
  good = await certificateFor(['localhost', '127.0.0.1']);
});

const at = (port: number, host = 'localhost'): ReturnType<typeof socketAt> => socketAt(`wss://${host}:${port}/`);

describe('a dial over TLS', () => {
  test.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'goes through and tells %s, the name and the end of the certificate',
    async (version) => {
      await using server = await startPeer(gateway(), { certificate: good, version });
      const { facts, stream } = await dialled(at(server.port), { ca: good.ca });
      expect(facts).toMatchObject({
        stage: 'open',
        tls: { authorized: true, problem: undefined, protocol: version, subject: 'localhost' },
      });
      const days = (Date.parse(facts.tls!.validTo) - Date.now()) / 86_400_000;
      expect(days).toBeGreaterThan(88);
      expect(days).toBeLessThan(90);
      await stream?.close();
      await expectNoneOpen(server);
    },
  );

  test('goes to an address as well', async () => {
    await using server = await startPeer(gateway(), { certificate: good });
    await (await opened(at(server.port, '127.0.0.1'), { ca: good.ca })).close();
  });

  test.each<[string, () => Promise<Certificate>, boolean, string, RegExp]>([
    [
      'signed by nobody that is known',
      () => certificateFor(['localhost']),
      false,
      'SELF_SIGNED_CERT_IN_CHAIN',
      /^the certificate of localhost, issued by camofleet throw-away authority, is not trusted/,
    ],
    [
      'expired',
      () => certificateFor(['localhost'], 200),
      true,
      'CERT_HAS_EXPIRED',
      /^the certificate of localhost was valid until /,
    ],
    [
      'not valid yet',
      () => certificateFor(['localhost'], -10),
      true,
      'CERT_NOT_YET_VALID',
      /^the certificate of localhost is valid from /,
    ],
    [
      'for another name',
      () => certificateFor(['other.example', '127.0.0.9']),
      true,
      'ERR_TLS_CERT_ALTNAME_INVALID',
      /^the certificate of \S+ covers DNS:other\.example, IP Address:127\.0\.0\.9, not localhost/,
    ],
  ])(
    'stops at tls when the certificate is %s, and goes on when told to',
    async (_name, make, trusted, problem, failure) => {
      const certificate = await make();
      await using server = await startPeer(gateway(), { certificate });
      const trust = trusted ? { ca: certificate.ca } : {};
      const { facts } = await dialled(at(server.port), trust);
      expect(facts).toMatchObject({ stage: 'tls', errorCode: problem, tls: { authorized: false, problem } });
      expect(facts.failure).toMatch(failure);
      expect(facts.http).toBeUndefined();
      await expectNoneOpen(server);
      const { facts: all, stream } = await dialled(at(server.port), { ...trust, insecure: true });
      expect(all).toMatchObject({ stage: 'open', tls: { authorized: false, problem } });
      await stream?.close();
      await expectNoneOpen(server);
    },
  );

  test("trusts Node's own authorities beside the one that is given", async () => {
    const other = await certificateFor(['other.example']);
    const own = getCACertificates('default');
    await using server = await startPeer(gateway(), { certificate: good });
    setDefaultCACertificates([...own, good.ca]);
    try {
      await (await opened(at(server.port), { ca: other.ca })).close();
    } finally {
      setDefaultCACertificates(own);
    }
    expect((await dialled(at(server.port), { ca: other.ca })).facts.stage).toBe('tls');
  });

  test('is untrusted, and no exception, when the authority that is given is no certificate', async () => {
    await using server = await startPeer(gateway(), { certificate: good });
    expect((await dialled(at(server.port), { ca: 'no certificate' })).facts.stage).toBe('tls');
  });

  test.each<[string, (peer: Peer) => void, RegExp]>([
    ['is silent', () => {}, /^waited in vain for an answer to the TLS handshake$/],
    ['ends', ({ stream }) => void stream.end(), /closed|disconnected|socket hang up|ECONNRESET/],
    ['resets', ({ stream, tcp }) => void stream.once('data', () => tcp.resetAndDestroy()), /ECONNRESET/],
    [
      'speaks HTTP',
      ({ stream }) => void stream.once('data', () => stream.write('HTTP/1.1 400 Bad Request\r\n\r\n')),
      /^wanted TLS, got "HTTP\/1\.1 400 Bad Request/,
    ],
    ['speaks RFB', ({ stream }) => void stream.write('RFB 003.008\n'), /^wanted TLS, got "RFB 003\.008\\n"$/],
    ['speaks garbage', ({ stream }) => void stream.write(Buffer.alloc(100, 0)), /^wanted TLS, got 0x0000/],
    [
      'sends an alert',
      ({ stream }) => void stream.once('data', () => stream.write(Buffer.from('15030300020228', 'hex'))),
      /alert handshake failure/i,
    ],
    [
      'sends an alert of an unknown name',
      ({ stream }) => void stream.once('data', () => stream.write(Buffer.from('15030300020270', 'hex'))),
      /unrecognized name/i,
    ],
  ])('stops at tls when the server %s', async (_name, serve, failure) => {
    await using server = await startPeer(serve);
    const { facts } = await dialled(at(server.port), { timeoutMs: 400 });
    expect(facts.stage).toBe('tls');
    expect(facts.tls).toBeUndefined();
    expect(facts.failure).toMatch(failure);
    await expectNoneOpen(server);
  });

  test('stops at tls when both sides share no version', async () => {
    await using server = await startPeer(() => {}, { certificate: good, version: 'TLSv1.1' as 'TLSv1.2' });
    const { facts } = await dialled(at(server.port), { ca: good.ca });
    expect(facts.stage).toBe('tls');
    expect(facts.failure).toMatch(/alert|closed|version/i);
    await expectNoneOpen(server);
  });

  test('stops at http when plain ws:// meets a TLS port', async () => {
    const server = createServer({ cert: good.cert, key: good.key });
    server.on('tlsClientError', () => {}); // ours was no TLS
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { facts } = await dialled(socketAt(`ws://127.0.0.1:${(server.address() as AddressInfo).port}/`));
    expect(facts.stage).toBe('http');
    expect(facts.failure).toMatch(/TLS alert: the port speaks TLS, dial it with wss:|socket hang up|ECONNRESET/);
    await new Promise((resolve) => server.close(resolve));
  });

  test('sends the name of the URL, also to an address that it is told', async () => {
    const certificate = await certificateFor(['fleet.invalid']);
    await using server = await startPeer(gateway(), { certificate });
    const host = `fleet.invalid:${server.port}`;
    const options = { ca: certificate.ca, resolve: new Map([[host, '127.0.0.1']]) };
    const { facts, stream } = await dialled(socketAt(`wss://${host}/`), options);
    expect(facts.tls).toMatchObject({ authorized: true, subject: 'fleet.invalid' });
    await stream?.close();
  });
});
