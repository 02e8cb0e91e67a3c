import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  ClientHandshake,
  type ClientHandshakeEvent,
  ServerHandshake,
  type ServerHandshakeEvent,
  type ServerSecurity,
  TRUE_COLOUR_32,
  encodeServerInit,
} from '../../src/rfb/index.ts';

const INIT = { width: 1280, height: 720, format: TRUE_COLOUR_32, name: 'Desktop of Äpfel' };
const VNC: ServerSecurity = { type: 'vnc', password: 'secret12', challenge: Buffer.alloc(16, 7) };
const CUTS = [1, 2, 5, 10_000];

interface Talk {
  readonly client: ClientHandshakeEvent[];
  readonly server: ServerHandshakeEvent[];
}

/** Lets both sides talk until neither has anything to say, with every message cut into pieces. */
function talk(client: ClientHandshake, server: ServerHandshake, size: number): Talk {
  const seen: Talk = { client: [], server: [] };
  const toClient: Buffer[] = [server.start()];
  const toServer: Buffer[] = [];
  while (toClient.length + toServer.length > 0) {
    for (const piece of pieces(Buffer.concat(toClient.splice(0)), size))
      for (const event of client.feed(piece)) {
        seen.client.push(event);
        if (event.type === 'send') toServer.push(event.bytes);
      }
    for (const piece of pieces(Buffer.concat(toServer.splice(0)), size))
      for (const event of server.feed(piece)) {
        seen.server.push(event);
        if (event.type === 'send') toClient.push(event.bytes);
        if (event.type === 'clientInit') toClient.push(encodeServerInit(INIT), Buffer.from('rest'));
      }
  }
  return seen;
}

function pieces(bytes: Buffer, size: number): Buffer[] {
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
    bytes.subarray(index * size, (index + 1) * size),
  );
}

const kinds = (events: readonly { readonly type: string }[]): string[] =>
  events.map(({ type }) => type).filter((type) => type !== 'send');

describe.each(CUTS)('both handshakes, cut at %i bytes', (size) => {
  test('reach ServerInit with a password', () => {
    const client = new ClientHandshake({ password: 'secret12' });
    const seen = talk(client, new ServerHandshake(VNC), size);
    expect(kinds(seen.client)).toEqual(['version', 'security', 'authenticated', 'serverInit']);
    expect(kinds(seen.server)).toEqual(['version', 'authenticated', 'clientInit']);
    expect(seen.client.at(-1)).toEqual({ type: 'serverInit', init: INIT });
    expect(seen.server).toContainEqual({ type: 'clientInit', shared: true });
    expect(client.done).toBe(true);
  });

  test('reach ServerInit without one', () => {
    const seen = talk(new ClientHandshake(), new ServerHandshake({ type: 'none' }), size);
    expect(kinds(seen.client)).toEqual(['version', 'security', 'authenticated', 'serverInit']);
    expect(seen.client).toContainEqual({ type: 'authenticated', security: 1 });
  });

  test('part at a wrong password, with the reason', () => {
    const seen = talk(new ClientHandshake({ password: 'wrong' }), new ServerHandshake(VNC), size);
    expect(seen.client.at(-1)).toEqual({ type: 'refused', at: 'result', reason: 'authentication failed' });
    expect(kinds(seen.server)).toEqual(['version', 'authFailed']);
  });

  test('part before a secret is shown when the client has no password', () => {
    const seen = talk(new ClientHandshake(), new ServerHandshake(VNC), size);
    expect(seen.client.at(-1)).toEqual({ type: 'noCommonSecurity', types: [2], needsPassword: true });
  });

  test('stop where they are told to', () => {
    const list = talk(new ClientHandshake({ until: 'security' }), new ServerHandshake(VNC), size);
    expect(kinds(list.client)).toEqual(['version', 'security']);
    const authenticated = new ClientHandshake({ password: 'secret12', until: 'authenticated' });
    expect(kinds(talk(authenticated, new ServerHandshake(VNC), size).client).at(-1)).toBe('authenticated');
  });

  test.each([
    ['3.3 with None', 'RFB 003.003\n\0\0\0\x01', ['version', 'security', 'authenticated']],
    ['3.7 with None has no SecurityResult', 'RFB 003.007\n\x01\x01', ['version', 'security', 'authenticated']],
    ['3.8 with None has one', 'RFB 003.008\n\x01\x01\0\0\0\0', ['version', 'security', 'authenticated']],
    ['a version of its own is read as 3.8', 'RFB 003.889\n\x01\x01\0\0\0\0', ['version', 'security', 'authenticated']],
    ['3.3 refuses with a reason', 'RFB 003.003\n\0\0\0\0\0\0\0\x04full', ['version', 'refused']],
    ['3.8 refuses with a reason', 'RFB 003.008\n\0\0\0\0\x04full', ['version', 'refused']],
    ['3.8 with a result that is none', 'RFB 003.008\n\x01\x01\0\0\0\x09', ['version', 'security', 'malformed']],
    ['another protocol', 'SSH-2.0-OpenSSH', ['malformed']],
    ['another protocol from its first bytes on', 'HT', ['malformed']],
    ['a greeting that is none', 'RFB 3.8     \n', ['malformed']],
  ])('a server of %s', (_name, text, expected) => {
    const client = new ClientHandshake({ until: 'authenticated' });
    const events = pieces(Buffer.from(text, 'latin1'), size).flatMap((piece) => client.feed(piece));
    expect(kinds(events)).toEqual(expected);
  });
});

describe('a client handshake', () => {
  test('keeps what came behind ServerInit', () => {
    const client = new ClientHandshake();
    const opening = Buffer.from('RFB 003.008\n\x01\x01\0\0\0\0', 'latin1');
    client.feed(Buffer.concat([opening, encodeServerInit(INIT), Buffer.from('rest')]));
    expect(client.takeRest().toString()).toBe('rest');
    expect(client.takeRest().length).toBe(0);
  });

  test('does not wait for a reason of 4 GB', () => {
    const client = new ClientHandshake();
    const text = Buffer.concat([Buffer.from('RFB 003.008\n\0\xff\xff\xff\xff', 'latin1'), Buffer.alloc(4_096, 'x')]);
    expect(client.feed(text).at(-1)).toMatchObject({ type: 'refused', reason: 'x'.repeat(4_096) });
  });

  test('does not wait for a desktop name of 4 GB', () => {
    const client = new ClientHandshake();
    const init = Buffer.alloc(24);
    init.writeUInt32BE(0xffff_ffff, 20);
    const events = client.feed(Buffer.concat([Buffer.from('RFB 003.008\n\x01\x01\0\0\0\0', 'latin1'), init]));
    expect(events.at(-1)).toMatchObject({ type: 'malformed' });
  });

  test.each([
    [1, 'authentication failed'],
    [2, 'too many attempts'],
  ])('knows why a server of 3.7 refuses with result %i, which gives no reason', (result, reason) => {
    const client = new ClientHandshake({ password: 'x' });
    const bytes = Buffer.concat([
      Buffer.from('RFB 003.007\n\x01\x02'),
      Buffer.alloc(16),
      Buffer.from([0, 0, 0, result]),
    ]);
    expect(client.feed(bytes).at(-1)).toEqual({ type: 'refused', at: 'result', reason });
    expect(client.waitingFor).toBe('nothing');
  });

  test('says what it waits for', () => {
    const client = new ClientHandshake({ password: 'x' });
    expect(client.waitingFor).toBe('the RFB greeting');
    client.feed(Buffer.from('RFB 003.008\n'));
    expect(client.waitingFor).toBe('the security types');
    client.feed(Buffer.from([1, 2]));
    expect(client.waitingFor).toBe('the challenge');
    client.feed(Buffer.alloc(16));
    expect(client.waitingFor).toBe('SecurityResult');
  });
});

describe('a client handshake, with bytes of the server changed anywhere', () => {
  const openings = [
    'RFB 003.008\n\x01\x01\0\0\0\0',
    'RFB 003.008\n\x02\x01\x02' + 'c'.repeat(16) + '\0\0\0\0',
    'RFB 003.008\n\x01\x02' + 'c'.repeat(16) + '\0\0\0\x01\0\0\0\x05wrong',
    'RFB 003.003\n\0\0\0\x02' + 'c'.repeat(16) + '\0\0\0\0',
    'RFB 003.007\n\x01\x01',
  ].map((text) => Buffer.concat([Buffer.from(text, 'latin1'), encodeServerInit(INIT), Buffer.from('rest')]));

  test('never throws, tells the same however they are cut, and keeps every byte behind its end', () => {
    const changes = fc.array(fc.tuple(fc.nat(80), fc.nat(255)), { maxLength: 3 });
    fc.assert(
      fc.property(
        fc.constantFrom(...openings),
        changes,
        fc.integer({ min: 1, max: 30 }),
        fc.constantFrom({}, { password: 'secret12' }),
        (opening, changed, size, options) => {
          const bytes = Buffer.from(opening);
          for (const [at, byte] of changed) if (at < bytes.length) bytes[at] = byte;
          const whole = new ClientHandshake(options);
          const cut = new ClientHandshake(options);
          const events = whole.feed(bytes);
          const eventsOfCut = pieces(bytes, size).flatMap((piece) => cut.feed(piece));
          expect(kinds(eventsOfCut)).toEqual(kinds(events));
          expect(cut.done).toBe(whole.done);
          const isWhole = events.at(-1)?.type === 'serverInit';
          expect(isWhole && cut.takeRest().toString()).toEqual(isWhole && whole.takeRest().toString());
        },
      ),
      { numRuns: 3_000 },
    );
  });
});

describe('a server handshake', () => {
  test.each([
    ['a version that is none', 'GET / HTTP/1.1\r\n'],
    ['a security type that was not offered', 'RFB 003.008\n\x02'],
  ])('ends at %s', (_name, text) => {
    const server = new ServerHandshake({ type: 'none' });
    expect(server.feed(Buffer.from(text, 'latin1')).at(-1)).toMatchObject({ type: 'malformed' });
    expect(server.done).toBe(true);
  });

  test('takes viewers of 3.3 and 3.7', () => {
    const old = new ServerHandshake({ type: 'none' });
    expect(kinds(old.feed(Buffer.from('RFB 003.003\n\x01', 'latin1')))).toEqual([
      'version',
      'authenticated',
      'clientInit',
    ]);
    const seven = new ServerHandshake({ type: 'none' });
    const events = seven.feed(Buffer.from('RFB 003.007\n\x01\0', 'latin1'));
    expect(kinds(events)).toEqual(['version', 'authenticated', 'clientInit']);
    expect(events).toContainEqual({ type: 'clientInit', shared: false });
  });
});
