import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { startScreen, startX11vnc } from '../../src/lab/parts/display.ts';
import { startHaproxy, startNginx } from '../../src/lab/parts/proxies.ts';
import { startRelay } from '../../src/lab/parts/relay.ts';
import { startWebsockify } from '../../src/lab/parts/websockify.ts';
import { type Stage, openStage } from '../../src/lab/stage.ts';
import type { Report } from '../../src/report/index.ts';
import { lacks } from '../support/components.ts';
import { type Life, startCuttingRelay } from './support/cutting-relay.ts';

const TIMEOUT_MS = 90_000;
const ENTRY_POINT = join(import.meta.dirname, '..', '..', 'bin', 'run.js');

async function startStage(): Promise<Stage> {
  return openStage({
    env: process.env,
    execPath: process.execPath,
    entryPoint: ENTRY_POINT,
    temporary: tmpdir(),
    signal: new AbortController().signal,
    onStarted: () => {},
  });
}

/** `verify --url` and nothing else, unless it is said: the built command line, in a folder of its own. */
async function look(port: number, ...more: readonly string[]): Promise<Report> {
  const folder = mkdtempSync(join(tmpdir(), 'camofleet-timers-'));
  const url = `ws://127.0.0.1:${port}/websockify`;
  const args = [ENTRY_POINT, 'verify', '--url', url, '--capture', 'off', '--json', '--out', folder, ...more];
  try {
    const { stdout } = await execa(process.execPath, args, { cwd: folder, reject: false, timeout: TIMEOUT_MS });
    return JSON.parse(stdout);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Xvfb on which nothing moves, x11vnc, and Debian's websockify before it. */
async function startDesk(stage: Stage, args: readonly string[] = []): Promise<{ rfb: number; socket: number }> {
  const { display } = await startScreen(stage, { size: '160x120x24' });
  const security = args.length > 0 ? args : ['-nopw'];
  const { port } = await startX11vnc(stage, { display, args: ['-forever', '-shared', ...security] });
  const websockify = await startWebsockify(stage, { to: `127.0.0.1:${port}` });
  return { rfb: port, socket: websockify.port };
}

function nginxHttp(to: number, seconds: number): (port: number) => string {
  return (port) => `server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://127.0.0.1:${to};
      proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade;
      proxy_set_header Host $http_host;
      proxy_read_timeout ${seconds}s;
      proxy_send_timeout ${seconds}s;
    }
  }`;
}

function haproxySections(to: number, seconds: number): (port: number) => string {
  return (port) => `defaults
  mode http
  timeout connect 2s
  timeout client 60s
  timeout server 60s
  timeout tunnel ${seconds}s
frontend vnc
  bind 127.0.0.1:${port}
  default_backend relay
backend relay
  server one 127.0.0.1:${to}`;
}

const told = ({ findings, streams }: Report): string =>
  JSON.stringify({ findings, streams: streams.map(({ traffic, end }) => [traffic, end]) }, null, 1);

/** The seconds of the timer that a finding tells of. */
function secondsIn(text: string): number {
  return Number(/(?:timer|lifetime) of (\d+\.\d) s/.exec(text)?.[1]);
}

function expectIdleEdge(report: Report): void {
  const [first] = report.findings;
  expect(first, told(report)).toMatchObject({
    code: 'CF-EDGE-IDLE',
    hop: 'edge',
    severity: 'fail',
    confidence: 'likely',
  });
  expect(Math.abs(secondsIn(first!.saw) - 5)).toBeLessThanOrEqual(1);
  expect(first!.remedy).toMatch(/proxy_read_timeout 3600s.*timeout tunnel 1h.*WS_PING_INTERVAL_MS/);
  expect(first!.not.join()).toContain('respondingTimeouts');
}

describe.skipIf(lacks('xvfb', 'x11vnc', 'nginx', 'haproxy', 'websockify'))(
  'from outside alone, a still screen of x11vnc behind websockify',
  () => {
    test.concurrent('is cut by nginx after 5 s: an idle timer of the edge, and the cure', {
      timeout: TIMEOUT_MS,
    }, async () => {
      await using stage = await startStage();
      const { socket } = await startDesk(stage);
      const { port } = await startNginx(stage, { http: nginxHttp(socket, 5) });
      expectIdleEdge(await look(port));
    });

    test.concurrent('with a password is cut by HAProxy after 5 s: the same', { timeout: TIMEOUT_MS }, async () => {
      await using stage = await startStage();
      const file = await stage.file('password', 'secret77\n', 0o600);
      const { socket } = await startDesk(stage, ['-passwdfile', file]);
      const { port } = await startHaproxy(stage, { sections: haproxySections(socket, 5) });
      expectIdleEdge(await look(port, '--password-file', file));
    });

    test.concurrent('is held behind nginx and HAProxy with timers of an hour: no finding', {
      timeout: TIMEOUT_MS,
    }, async () => {
      await using stage = await startStage();
      const { socket } = await startDesk(stage);
      const proxies = await Promise.all([
        startNginx(stage, { http: nginxHttp(socket, 3_600) }),
        startHaproxy(stage, { sections: haproxySections(socket, 3_600) }),
      ]);
      for (const { port } of proxies) {
        const report = await look(port, '--duration', '8s');
        expect(
          report.findings.filter(({ severity }) => severity !== 'info'),
          told(report),
        ).toEqual([]);
        expect(report.verdict).toBe('pass');
      }
    });

    test.concurrent('searched at every vantage point: the table says who cuts what, within a second', {
      timeout: TIMEOUT_MS,
    }, async () => {
      await using stage = await startStage();
      const { socket, rfb } = await startDesk(stage);
      const { port } = await startNginx(stage, { http: nginxHttp(socket, 4) });
      const report = await look(
        port,
        ...['--find-idle', '--duration', '14s', '--gateway', `ws://127.0.0.1:${socket}/websockify`],
        ...['--rfb', `127.0.0.1:${rfb}`],
      );
      expect(report.findings[0], told(report)).toMatchObject({ code: 'CF-EDGE-IDLE', confidence: 'proven' });
      const { rows, pingEveryMs, set, boundMs } = report.cutTimes!;
      const cut = rows.filter(({ cutMs }) => cutMs !== null);
      expect(cut.map(({ vantage, traffic }) => `${vantage} ${traffic}`)).toEqual(['public silent']);
      expect(Math.abs(cut[0]!.cutMs! - 4_000)).toBeLessThan(1_000);
      expect(rows.filter(({ traffic }) => traffic === 'silent').map(({ vantage }) => vantage)).toEqual([
        'public',
        'gateway',
        'rfb',
      ]);
      expect(pingEveryMs).toBe(1_000);
      expect(boundMs).toBeGreaterThanOrEqual(13_900);
      expect(set.map(({ where }) => where)).toEqual(['gateway', 'nginx', 'HAProxy', 'Traefik']);
    });
  },
);

describe.skipIf(lacks('xvfb', 'x11vnc', 'nginx', 'websockify'))('what cuts a still screen of x11vnc', () => {
  interface Row {
    readonly what: string;
    readonly expected: string;
    readonly says: RegExp;
    readonly cuts: (life: Life) => boolean;
  }
  const rows: readonly Row[] = [
    {
      what: 'a maximum lifetime of 7 s',
      expected: 'CF-EDGE-LIFETIME likely',
      says: /^a lifetime of [67]\.\d s/,
      cuts: ({ ageMs }) => ageMs > 7_000,
    },
    {
      what: 'a limit of 400 kB',
      expected: 'CF-EDGE-BYTES likely',
      says: /^a limit of 4\d\d\.\d kB/,
      cuts: ({ bytes }) => bytes > 400_000,
    },
    {
      what: 'chance',
      expected: 'CF-TRAEFIK-CUT possible',
      says: /^the still stream/,
      cuts: ({ ageMs, index }) => ageMs > 2_500 + ((index * 2_718) % 9_000),
    },
  ];

  test.concurrent.each(rows)('$what: $expected', { timeout: TIMEOUT_MS }, async ({ expected, says, cuts }) => {
    await using stage = await startStage();
    const { socket } = await startDesk(stage);
    await using relay = await startCuttingRelay(socket, cuts);
    const report = await look(relay.port);
    const [first] = report.findings;
    expect(`${first?.code} ${first?.confidence}`, told(report)).toBe(expected);
    expect(first!.saw).toMatch(says);
  });

  test.concurrent('a gateway that waits for messages of the viewer: CF-GATEWAY-IDLE likely', {
    timeout: TIMEOUT_MS,
  }, async () => {
    await using stage = await startStage();
    const { rfb } = await startDesk(stage);
    const relay = await startRelay(stage, () => ({ to: { port: rfb, readTimeoutMs: 4_000 } }));
    const report = await look(relay.port);
    const [first] = report.findings;
    expect(`${first?.code} ${first?.confidence}`, told(report)).toBe('CF-GATEWAY-IDLE likely');
    expect(Math.abs(secondsIn(first!.saw) - 4)).toBeLessThanOrEqual(1);
    expect(first!.saw).toMatch(/pings are none/);
    expect(first!.remedy).toMatch(/both directions/);
  });

  test.concurrent('pings of a gateway that come just when nginx gives up: a race', {
    timeout: TIMEOUT_MS,
  }, async () => {
    await using stage = await startStage();
    const { rfb } = await startDesk(stage);
    const relay = await startRelay(stage, () => ({
      to: { port: rfb, pings: { everyMs: 2_010, deadlineMs: 30_000 } },
    }));
    const { port } = await startNginx(stage, { http: nginxHttp(relay.port, 2) });
    const report = await look(port);
    const [first] = report.findings;
    expect(`${first?.code} ${first?.confidence}`, told(report)).toBe('CF-EDGE-IDLE likely');
    expect(first!.saw).toMatch(
      /^a timer of [12]\.\d s .*the server pings every 2\.\d s, which is a race against that timer/,
    );
  });
});
