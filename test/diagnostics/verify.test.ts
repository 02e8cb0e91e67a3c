import { optionsFor } from './support/options.ts';
import { existsSync, mkdtempSync, readFileSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type VerifyOptions, verify } from '../../src/diagnostics/index.ts';
import type { Report } from '../../src/report/index.ts';
import { freePort } from './support/ports.ts';
import { type PeerServer, startPeer } from './probe/support/peer.ts';
import { bare, gateway, serveRfb } from './probe/support/rfb.ts';
import { frame } from '../websocket/support/frames.ts';
import type { ServerSocket } from './probe/support/websocket.ts';

let out: string;
beforeEach(() => {
  out = mkdtempSync(join(tmpdir(), 'camofleet-verify-'));
});
afterEach(() => rmSync(out, { recursive: true, force: true }));

const PCAP = join(import.meta.dirname, '..', 'fixtures', 'pcap', 'vnc-raw-and-websocket.pcap');

interface Watching {
  readonly signal?: AbortSignal;
  readonly onStage?: (text: string) => void;
  readonly onHold?: () => void;
}

async function run(options: Partial<VerifyOptions>, { signal, onStage, onHold }: Watching = {}): Promise<Report> {
  const { report } = await verify(
    {
      ...optionsFor(out),
      ...options,
    },
    {
      version: '0.0.0',
      fleet: undefined,
      now: () => Date.now(),
      monotonic: () => performance.now(),
      suffix: 'test',
      isRoot: false,
      env: {},
      signal: signal ?? new AbortController().signal,
      observer: {
        onStage: onStage ?? (() => {}),
        onCheck: () => {},
        onTrouble: () => {},
        onHold: onHold ?? (() => {}),
      },
    },
  );
  return report;
}

const socketOf = ({ port }: PeerServer): URL => new URL(`ws://127.0.0.1:${port}/websockify?token=CANARY`);
const rawOf = ({ port }: PeerServer): { host: string; port: number } => ({ host: '127.0.0.1', port });
/** What is accused. What is only told, such as a screen of one colour, is not among them. */
const codes = ({ findings }: Report): string[] =>
  findings.filter(({ severity }) => severity !== 'info').map(({ code, confidence }) => `${code} ${confidence}`);
const outcome = ({ verdict, exitCode }: Report): string => `${verdict} ${exitCode}`;
const verdictOf = ({ checks }: Report, id: string): string | undefined =>
  checks.find((check) => check.id === id)?.verdict;

/** As every WebSocket server must. */
function answerPings(socket: ServerSocket): void {
  socket.onFrame((opcode, payload) => {
    if (opcode === 9) socket.raw(frame(10, payload));
  });
}

/** A healthy RFB server on the bare socket. */
const server = (): Promise<PeerServer> => startPeer((peer) => serveRfb(bare(peer)));

describe('verify of something well', () => {
  test('passes, and everything lies in the folder that latest points to', async () => {
    await using peer = await startPeer(gateway({}, answerPings));
    const report = await run({ url: socketOf(peer) });
    expect(codes(report)).toEqual([]);
    expect(outcome(report)).toBe('pass 0');
    expect(report.summary).toMatch(/^held \d+ ms, 0 cuts, longest silence .*, 1 stream, Accept correct$/);
    expect(report.target).toEqual({ url: `ws://127.0.0.1:${peer.port}/websockify`, vantages: ['public'] });
    expect(report.streams).toMatchObject([
      { vantage: 'public', mode: 'still', end: { by: 'verify', how: 'close_frame' } },
    ]);
    const { pings } = report.streams[0]!;
    expect(pings.sent).toBeGreaterThan(0);
    expect(pings.answered).toBe(pings.sent);

    expect(readlinkSync(join(out, 'latest'))).toBe(report.run);
    const folder = join(out, report.run);
    expect(readdirSync(folder).toSorted()).toEqual(['collection.log', 'junit.xml', 'report.html', 'report.json']);
    expect(JSON.parse(readFileSync(join(folder, 'report.json'), 'utf8'))).toEqual(report);
    for (const name of readdirSync(folder)) expect(readFileSync(join(folder, name), 'utf8')).not.toContain('CANARY');
  });

  test('at every vantage point holds a stream at each', async () => {
    await using socket = await startPeer(gateway());
    await using raw = await server();
    const report = await run({ url: socketOf(socket), gateway: socketOf(socket), rfb: rawOf(raw) });
    expect(report.streams.map(({ vantage }) => vantage)).toEqual(['public', 'gateway', 'rfb']);
    expect(outcome(report)).toBe('pass 0');
  });

  test('with --duration 0s probes alone, and says so', async () => {
    await using peer = await startPeer(gateway());
    const report = await run({ url: socketOf(peer), durationMs: 0 });
    expect(report).toMatchObject({ verdict: 'pass', streams: [], summary: 'every probe passed, nothing was held' });
    expect(report.collection).toContainEqual({
      what: 'hold',
      status: 'skip',
      because: 'switched off with --duration 0s',
    });
  });

  test('keeps a picture of a stranger only when asked to', async () => {
    await using peer = await startPeer(gateway());
    await run({ url: socketOf(peer), durationMs: 0 });
    expect(existsSync(join(out, 'latest', 'screenshot.png'))).toBe(false);
    await run({ url: socketOf(peer), durationMs: 0, screenshot: true, out: join(out, 'second') });
    expect(
      readFileSync(join(out, 'second', 'latest', 'screenshot.png'))
        .subarray(1, 4)
        .toString(),
    ).toBe('PNG');
  });

  test('reads a capture that is given, and leaves it where it is', async () => {
    await using peer = await startPeer(gateway());
    const report = await run({ url: socketOf(peer), durationMs: 0, pcap: [PCAP] });
    expect(report.collection.find(({ what }) => what === 'packets')).toMatchObject({
      status: 'ok',
      because: expect.stringMatching(
        /^\d+ packets, [1-9]\d* TCP handshakes, [1-9]\d* RFB banners, [1-9]\d* flows ended \(vnc-raw-and-websocket\.pcap\)$/,
      ),
    });
    expect(readdirSync(join(out, 'latest'))).not.toContain('vnc.tcpdump.pcap');
  });

  test('reads logs that are given; what they say of older runs is no evidence of this one', async () => {
    const old = { time: '2020-01-01T00:00:00.000Z', event: 'gateway.draining' };
    writeFileSync(join(out, 'g.log'), `${JSON.stringify(old)}\n`);
    writeFileSync(join(out, 'a.log'), '{"DownstreamStatus":0,"RequestPath":"/w?token=CANARY"}\n');
    const ending = (socket: ServerSocket): void => void setTimeout(() => socket.stream.destroy(), 500);
    await using peer = await startPeer(gateway({}, ending));
    const logs = { traefik: join(out, 'a.log'), gateway: join(out, 'g.log'), runner: undefined };
    const report = await run({ gateway: socketOf(peer), durationMs: 5_000, logs });
    expect(codes(report)).toEqual(['CF-GATEWAY-CUT likely']);
    expect(readFileSync(join(out, 'latest', 'traefik-access.log'), 'utf8')).toMatch(/token=\[hidden [0-9a-f]{8}\]/);
  });

  test('does not need its folder to give a verdict', async () => {
    await using peer = await startPeer(gateway());
    writeFileSync(join(out, 'file'), '');
    const report = await run({ url: socketOf(peer), out: join(out, 'file') });
    expect(outcome(report)).toBe('pass 0');
    expect(report.collection.filter(({ status }) => status === 'failed').length).toBeGreaterThan(0);
  });
});

describe('a budget', () => {
  test('that is crossed is exit code 99, with what was seen; and the run is still no failure', async () => {
    await using peer = await startPeer(gateway());
    const report = await run({
      url: socketOf(peer),
      budget: { firstFrameMs: 0, pingP99Ms: 60_000, longestSilenceMs: 1 },
    });
    expect(outcome(report)).toBe('warn 99');
    expect(report.budget).toMatchObject([
      { name: 'firstFrameMs', limit: 0, crossed: true },
      { name: 'pingP99Ms', limit: 60_000, crossed: false },
      { name: 'longestSilenceMs', saw: null, crossed: false, because: 'no stream with a moving picture was held' },
    ]);
    expect(report.summary).toMatch(/; over budget: firstFrameMs$/);
    expect(readFileSync(join(out, 'latest', 'junit.xml'), 'utf8')).toMatch(
      /<testcase classname="camofleet.budget" name="firstFrameMs" time="0"><failure /,
    );
  });
});

describe('verify of a password', () => {
  const security = { type: 'vnc', password: 'canarypw', challenge: Buffer.alloc(16, 7) } as const;

  test('that is known passes, over a socket as well', async () => {
    await using raw = await startPeer((peer) => serveRfb(bare(peer), { security }));
    await using socket = await startPeer(gateway({ security }));
    const report = await run({ url: socketOf(socket), rfb: rawOf(raw), password: 'canarypw' });
    expect(outcome(report)).toBe('pass 0');
    expect(report.streams).toHaveLength(2);
  });

  test('that is not known ends at the security types: a skip, and unknown', async () => {
    await using raw = await startPeer((peer) => serveRfb(bare(peer), { security }));
    const report = await run({ rfb: rawOf(raw) });
    expect(outcome(report)).toBe('unknown 3');
    expect(['rfb.greeting', 'rfb.security', 'rfb.serverInit', 'runner.rfb'].map((id) => verdictOf(report, id))).toEqual(
      ['pass', 'skip', 'skip', 'skip'],
    );
    expect(report).toMatchObject({
      findings: [{ code: 'CF-RUNNER-AUTH', severity: 'info' }],
      streams: [],
      summary: expect.stringContaining('pass --password-file'),
    });
  });

  test('that is not known beside a public stream: that one alone is held', async () => {
    await using raw = await startPeer((peer) => serveRfb(bare(peer), { security }));
    await using socket = await startPeer(gateway());
    const report = await run({ url: socketOf(socket), rfb: rawOf(raw) });
    expect(outcome(report)).toBe('pass 0');
    expect(report.streams.map(({ vantage }) => vantage)).toEqual(['public']);
  });

  test('that is wrong is a failure of the runner', async () => {
    await using raw = await startPeer((peer) => serveRfb(bare(peer), { security }));
    const report = await run({ rfb: rawOf(raw), password: 'wrong' });
    expect(codes(report)).toEqual(['CF-RUNNER-AUTH likely']);
    expect(outcome(report)).toBe('fail 1');
  });
});

describe('verify of something ill', () => {
  test('names the ingress when nothing listens', async () => {
    const report = await run({ url: new URL(`ws://127.0.0.1:${await freePort()}/websockify`) });
    expect(codes(report)).toEqual(['CF-TRAEFIK-DOWN likely']);
    expect(outcome(report)).toBe('fail 1');
    expect(report.collection).toContainEqual({
      what: 'hold',
      status: 'skip',
      because: 'no picture was seen by the probes',
    });
  });

  test.each([
    [200, '<html>', 'CF-TRAEFIK-ROUTE likely', 1],
    [404, '404 page not found', 'CF-TRAEFIK-ROUTE likely', 1],
    [401, '401 Unauthorized', 'CF-TRAEFIK-AUTH likely', 4],
    [401, '{"status":401,"code":"token_invalid"}', 'CF-GATEWAY-TOKEN proven', 4],
    [502, 'Bad Gateway', 'CF-GATEWAY-DOWN likely', 1],
    [503, '{"status":503,"code":"at_capacity"}', 'CF-GATEWAY-FULL proven', 1],
  ])('an HTTP server that answers %i %j instead of a socket', async (status, body, code, exitCode) => {
    const http = createServer((_request, response) => response.writeHead(status).end(body));
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
    const { port } = http.address() as AddressInfo;
    try {
      const report = await run({ url: new URL(`ws://127.0.0.1:${port}/websockify`) });
      expect(codes(report)).toEqual([code]);
      expect(outcome(report)).toBe(`fail ${exitCode}`);
    } finally {
      http.closeAllConnections();
      http.close();
    }
  });

  test('answers within 10 s when all vantage points are silent', { timeout: 30_000 }, async () => {
    await using silent = await startPeer(() => {});
    const began = performance.now();
    const report = await run({ url: socketOf(silent), gateway: socketOf(silent), rfb: rawOf(silent) });
    // A dial and a second look, 8.5 s of waiting in all; what is beyond 10 s is the patience for a busy machine.
    expect(performance.now() - began).toBeLessThan(13_000);
    expect(codes(report)).toEqual(['CF-RUNNER-SILENT likely']); // whatever stands in front of it has nothing to pass on
  });

  test('names who cut a stream, from the words of the gateway', async () => {
    const ending = (socket: ServerSocket): void => {
      setTimeout(() => socket.raw(frame(8, Buffer.from([4502 >> 8, 4502 & 255]))), 500);
    };
    await using peer = await startPeer(gateway({}, ending));
    const report = await run({ url: socketOf(peer), durationMs: 8_000 });
    expect(codes(report)).toEqual(['CF-RUNNER-CLOSED likely']);
    expect(report.streams[0]!.end).toMatchObject({ by: 'runner', how: 'close_frame', code: 4502 });
    expect(report.streams[0]!.reconnects).toBe(1);
    expect(outcome(report)).toBe('fail 1');
  });
});

describe('an interruption', () => {
  const interrupted = (report: Report): void => {
    expect(outcome(report)).toBe('unknown 130');
    expect(codes(report)).toEqual([]);
    expect(report.interrupted).toBe(true);
    expect(report.summary).toMatch(/; not a pass$/);
    expect(JSON.parse(readFileSync(join(out, 'latest', 'report.json'), 'utf8'))).toEqual(report);
    expect(readFileSync(join(out, 'latest', 'junit.xml'), 'utf8')).toContain('<error type="interrupted"');
  };

  test('of the hold loses nothing, and is no pass', async () => {
    await using peer = await startPeer(gateway());
    const controller = new AbortController();
    let ticks = 0;
    const onHold = (): void => {
      if ((ticks += 1) === 3) controller.abort();
    };
    const report = await run({ url: socketOf(peer), durationMs: 3_600_000 }, { signal: controller.signal, onHold });
    interrupted(report);
    expect(report.summary).toMatch(/^held \d+ ms of 1 h 00 m; no cut seen; not a pass$/);
    expect(new Set(report.streams.map(({ end }) => end.by))).toEqual(new Set(['verify']));
  });

  test('of the probes accuses nobody whose answer was not waited for', async () => {
    await using silent = await startPeer(() => {});
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 300);
    const report = await run({ url: socketOf(silent) }, { signal: controller.signal });
    interrupted(report);
    expect(report.checks.every(({ verdict }) => verdict === 'pass' || verdict === 'skip')).toBe(true);
  });

  // Every trial of the probes waits for its own connection here.
  test('while the hold opens its streams accuses nobody', { timeout: 60_000 }, async () => {
    let connections = 0;
    // The probe is served, the hold is not.
    await using peer = await startPeer((one) => ((connections += 1) === 1 ? gateway()(one) : undefined));
    const controller = new AbortController();
    const onStage = (text: string): void => {
      if (text === 'holding') setTimeout(() => controller.abort(), 300);
    };
    interrupted(await run({ url: socketOf(peer) }, { signal: controller.signal, onStage }));
  });

  test('before anything was done', async () => {
    await using peer = await startPeer(gateway());
    interrupted(await run({ url: socketOf(peer) }, { signal: AbortSignal.abort() }));
    expect(peer.connections).toBe(0);
  });

  test('after a fault keeps the fault', async () => {
    await using peer = await startPeer(gateway({}, (socket) => void setTimeout(() => socket.stream.destroy(), 400)));
    await using raw = await server();
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 2_500);
    const report = await run(
      { gateway: socketOf(peer), rfb: rawOf(raw), durationMs: 60_000 },
      { signal: controller.signal },
    );
    expect(codes(report)).toEqual(['CF-GATEWAY-CUT proven']);
    expect(outcome(report)).toBe('fail 130');
  });
});
