import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { createServer, connect } from 'node:net';
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { connect as connectTls, createServer as createTlsServer } from 'node:tls';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startCapture } from '../../src/diagnostics/capture/index.ts';
import { readCapture } from '../../src/diagnostics/pcap/index.ts';
import { certificateFor } from '../diagnostics/probe/support/peer.ts';
import { lacks } from '../support/components.ts';

const FIXTURES = join(import.meta.dirname, '..', 'fixtures', 'pcap');
const isRoot = process.getuid?.() === 0;
const ANY = { device: undefined };

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'camofleet-capture-'));
});
afterAll(() => rmSync(dir, { recursive: true }));

function tshark(file: string, ...args: readonly string[]): string[] {
  const out = execFileSync('tshark', ['-n', '-r', file, '-E', 'occurrence=f', ...args], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return out.split('\n').filter((line) => line !== '');
}

/** Of places that are no container nothing of it is used. */
const SIDECAR = { image: 'camofleet/capture:none', longestMs: 60_000 };

describe.skipIf(lacks('tshark'))('our reader and tshark agree', () => {
  test.each(readdirSync(FIXTURES).filter((name) => !name.endsWith('.md')))('on %s', async (name) => {
    const file = join(FIXTURES, name);
    const facts = await readCapture(file);
    expect(facts.packets).toBe(tshark(file, '-T', 'fields', '-e', 'frame.number').length);
    const first = Number(tshark(file, '-T', 'fields', '-e', 'frame.time_epoch')[0]);
    expect(facts.flows[0]!.startedAtMs / 1_000).toBeCloseTo(first, 5);
    // tshark counts a stream anew where it changes its mind on the protocol: pairs of ports are the flows here.
    const pair = (line: string): string => line.split('\t').slice(-2).toSorted().join(' ');
    const ports = ['-e', 'tcp.srcport', '-e', 'tcp.dstport'];
    expect(facts.flows).toHaveLength(new Set(tshark(file, '-T', 'fields', ...ports).map(pair)).size);
    const payload = tshark(file, '-T', 'fields', '-e', 'tcp.len').reduce((sum, length) => sum + Number(length), 0);
    expect(facts.flows.reduce((sum, { up, down }) => sum + up.bytes + down.bytes, 0)).toBe(payload);
    const closing = tshark(
      file,
      '-Y',
      'tcp.flags.fin==1 || tcp.flags.reset==1',
      '-T',
      'fields',
      '-e',
      'frame.number',
      ...ports,
    );
    const firstEnds = new Map(closing.toReversed().map((line) => [pair(line), Number(line.split('\t')[0])])).values();
    expect(facts.ends.map(({ packet }) => packet)).toEqual([...firstEnds].toSorted((a, b) => a - b));
    const greetings = tshark(file, '-Y', 'vnc.server_proto_ver', '-T', 'fields', '-e', 'frame.number').map(Number);
    const seen = facts.flows.flatMap(({ banner }) => banner?.packet ?? []);
    for (const packet of greetings) expect(seen).toContain(packet);
  });
});

describe.skipIf(lacks('tcpdump', 'tshark') || !isRoot)('a live capture', () => {
  test('shows handshake, upgrade and greeting, and no secret, up to the moment of the stop', async () => {
    await using rfb = await listening(createServer((socket) => socket.resume().write('RFB 003.008\n')));
    await using web = await listening(
      createHttpServer((_request, response) => response.writeHead(401, { 'set-cookie': 'CANARY' }).end('CANARY')),
    );
    const file = join(dir, 'live.pcap');
    const capture = await startCapture({
      place: ANY,
      ports: `port ${rfb.port} or port ${web.port}`,
      file,
      path: process.env['PATH'],
      ...SIDECAR,
      isRoot,
    });
    if (capture.skipped !== undefined) throw new Error(capture.skipped);
    await fetch(`http://127.0.0.1:${web.port}/websockify?token=CANARY`, { headers: { cookie: 'CANARY' } });
    const socket = connect(rfb.port, '127.0.0.1');
    await once(socket, 'data');
    socket.write('CANARY');
    socket.end();
    await once(socket, 'close');
    const summary = await capture.stop();

    expect(summary).toMatchObject({ droppedByKernel: 0, problem: undefined });
    expect(summary.redactions).toBeGreaterThanOrEqual(3);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readFileSync(file).includes('CANARY')).toBe(false);
    const facts = await readCapture(file);
    expect(facts).toMatchObject({ handshakes: 2, banners: 1 });
    expect(facts.packets).toBe(summary.packets);
    expect(facts.ends.some(({ client, by }) => client.endsWith(`:${socket.localPort ?? ''}`) || by === 'client')).toBe(
      true,
    );
    expect(tshark(file, '-Y', 'tcp contains "RFB 003.008"')).toHaveLength(1);
    expect(tshark(file, '-Y', 'http.request.uri contains "/websockify?xxxx"')).toHaveLength(1);
  });

  test('of TLS shows who said close_notify, an alert with its number, and no byte of what was said', async () => {
    const { cert, key } = await certificateFor(['localhost']);
    await using server = await listening(
      createTlsServer({ cert, key, minVersion: 'TLSv1.3' }, (socket) =>
        socket.on('error', () => {}).end('CANARY'.repeat(100)),
      ).on('tlsClientError', () => {}),
    );
    const file = join(dir, 'tls.pcap');
    const base = { place: { device: 'lo' }, path: process.env['PATH'], ...SIDECAR, isRoot };
    const capture = await startCapture({ ...base, ports: `port ${server.port}`, file });
    if (capture.skipped !== undefined) throw new Error(capture.skipped);
    const polite = connectTls({ port: server.port, host: '127.0.0.1', rejectUnauthorized: false });
    polite.resume();
    await once(polite, 'close');
    const old = connectTls({ port: server.port, host: '127.0.0.1', maxVersion: 'TLSv1.2' });
    await once(old, 'error');
    old.destroy();
    await capture.stop();
    expect(readFileSync(file).includes('CANARY')).toBe(false);
    const [first, second] = (await readCapture(file)).flows;
    expect(first).toMatchObject({ firstPayload: { by: 'client', kind: 'tls' } });
    const goodbyes = first!.signals.filter(({ by }) => by === 'client').map(({ how }) => how);
    expect(goodbyes.slice(0, 2)).toEqual(['close_notify', 'fin']);
    expect(second!.signals[0]).toMatchObject({ by: 'server', how: 'alert', code: 70 });
  });

  test('of hours fits a small ring: the opening, the goodbye and the end are there, and no secret', async () => {
    await using rfb = await listening(
      createServer((socket) => {
        socket.write('RFB 003.008\n');
        socket.on('data', () => socket.write(Buffer.alloc(1_000, 'CANARY')));
      }),
    );
    const ring = { pieceBytes: 16_384, pieces: 2 };
    const own = mkdtempSync(join(dir, 'ring-'));
    const file = join(own, 'ring.pcap');
    const place = { device: 'lo' };
    const capture = await startCapture({
      place,
      ports: `port ${rfb.port}`,
      file,
      path: process.env['PATH'],
      ...SIDECAR,
      isRoot,
      ring,
    });
    if (capture.skipped !== undefined) throw new Error(capture.skipped);
    const gone = connect(rfb.port, '127.0.0.1');
    await once(gone, 'data');
    gone.destroy();
    const socket = connect(rfb.port, '127.0.0.1');
    await once(socket, 'data');
    for (let turn = 0; turn < 700; turn += 1) {
      socket.write('CANARY');
      await once(socket, 'data');
      await new Promise((resolve) => setImmediate(resolve));
    }
    socket.end();
    await once(socket, 'close');
    const summary = await capture.stop();

    expect(summary.problem).toBeUndefined();
    expect(summary.leftOut).toBeGreaterThan(500);
    expect(readdirSync(own)).toEqual(['ring.pcap']);
    expect(statSync(file).size).toBeLessThan(4.5 * ring.pieceBytes);
    expect(readFileSync(file).includes('CANARY')).toBe(false);
    const facts = await readCapture(file);
    expect(facts).toMatchObject({ handshakes: 2, banners: 2, packets: summary.packets - summary.leftOut });
    expect(facts.flows.every(({ end }) => end !== undefined)).toBe(true);
    expect(tshark(file, '-Y', 'tcp.flags.fin==1').length).toBeGreaterThanOrEqual(3);
  });

  test('of a network namespace shows what our own does not', async () => {
    const name = `cf-capture-${process.pid}`;
    execFileSync('ip', ['netns', 'add', name]);
    try {
      execFileSync('ip', ['-n', name, 'link', 'set', 'lo', 'up']);
      const namespace = { file: `/run/netns/${name}`, name };
      const base = { ports: 'port 17755', path: process.env['PATH'], ...SIDECAR, isRoot };
      const [inside, outside] = await Promise.all([
        startCapture({ ...base, place: { device: 'lo', namespace }, file: join(dir, 'inside.pcap') }),
        startCapture({ ...base, place: { device: undefined }, file: join(dir, 'outside.pcap') }),
      ]);
      if (inside.skipped !== undefined || outside.skipped !== undefined)
        throw new Error(`${inside.skipped} ${outside.skipped}`);
      const dialled = `require('node:net').connect(17755, '127.0.0.1').on('error', () => {})`;
      execFileSync('ip', ['netns', 'exec', name, process.execPath, '-e', dialled]);
      await Promise.all([inside.stop(), outside.stop()]);
      expect((await readCapture(join(dir, 'inside.pcap'))).flows).toMatchObject([{ handshake: 'refused' }]);
      expect((await readCapture(join(dir, 'outside.pcap'))).flows).toEqual([]);
    } finally {
      execFileSync('ip', ['netns', 'delete', name]);
    }
  });

  test('of a namespace that is not there is skipped, with its name', async () => {
    const namespace = { file: '/run/netns/cf-nowhere', name: 'cf-nowhere' };
    const base = { ports: 'port 1', file: join(dir, 'x.pcap'), path: process.env['PATH'], ...SIDECAR };
    const place = { device: undefined, namespace };
    expect((await startCapture({ ...base, place, isRoot })).skipped).toBe(
      'there is no namespace cf-nowhere: /run/netns/cf-nowhere does not exist',
    );
    expect((await startCapture({ ...base, place, isRoot: false })).skipped).toBe(
      'namespace cf-nowhere can be entered by root only; run with sudo',
    );
  });

  test('is stopped once, however often it is asked', async () => {
    const file = join(dir, 'none.pcap');
    const capture = await startCapture({
      place: { device: 'lo' },
      ports: 'port 1',
      file,
      path: process.env['PATH'],
      ...SIDECAR,
      isRoot,
    });
    if (capture.skipped !== undefined) throw new Error(capture.skipped);
    expect(await capture.stop()).toEqual(await capture.stop());
    expect(await readCapture(file)).toMatchObject({ packets: 0, truncated: false });
  });

  test('of an interface that is not there is skipped, with its name', async () => {
    const base = { ports: 'port 1', file: join(dir, 'x.pcap'), path: process.env['PATH'], ...SIDECAR, isRoot };
    const capture = await startCapture({ ...base, place: { device: 'nosuch0' } });
    expect(capture.skipped).toMatch(/interface nosuch0: .*(No such device|doesn't exist)/i);
  });

  test('without the right to is skipped, with the command that gives it', () => {
    const script = `
      const { startCapture } = await import(${JSON.stringify(join(import.meta.dirname, '../../dist/diagnostics/capture/index.js'))});
      const outcome = await startCapture({ place: { device: undefined }, ports: 'port 1', file: '/dev/null', path: process.env.PATH, isRoot: false });
      process.stdout.write(String(outcome.skipped)); process.exit();`;
    const args = [
      '--clear-groups',
      '--reuid',
      '65534',
      '--regid',
      '65534',
      '--inh-caps=-all',
      '--bounding-set=-all',
      '--',
    ];
    const said = execFileSync('setpriv', [...args, process.execPath, '--input-type=module', '-e', script], {
      encoding: 'utf8',
    });
    expect(said).toMatch(/^needs CAP_NET_RAW; run with sudo, or once: sudo setcap cap_net_raw\+ep .*tcpdump$/);
  });

  test('leaves no tcpdump behind when the disk is full', async () => {
    const capture = await startCapture({
      place: { device: 'lo' },
      ports: 'port 1',
      file: '/dev/full',
      path: process.env['PATH'],
      ...SIDECAR,
      isRoot,
    });
    if (capture.skipped !== undefined) throw new Error(capture.skipped);
    expect((await capture.stop()).problem).toMatch(/ENOSPC/);
  });
});

describe('no capture', () => {
  const base = { ...SIDECAR, place: ANY, ports: 'port 1', file: '/dev/null', path: '', isRoot: false };
  test.each([
    [{ ...base, ports: '' }, 'no port is known to capture'],
    [base, 'tcpdump is not installed; install it, for example: apt-get install tcpdump'],
    [
      { ...base, place: { device: undefined, container: 'lab-gateway-1' } },
      'docker is not on PATH, and packets of a container are recorded with it',
    ],
  ])('is a skip with its reason: %#', async (options, skipped) => {
    expect(await startCapture(options)).toEqual({ skipped });
  });
});

interface Listening extends AsyncDisposable {
  readonly port: number;
}

async function listening(server: ReturnType<typeof createServer>): Promise<Listening> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    [Symbol.asyncDispose]: async () => {
      server.close();
      if ('closeAllConnections' in server && typeof server.closeAllConnections === 'function')
        server.closeAllConnections();
      await once(server, 'close');
    },
  };
}
