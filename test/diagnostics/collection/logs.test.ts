import { appendFileSync, closeSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { collectLogs, logSources } from '../../../src/diagnostics/collection/index.ts';
import type { OwnSocket } from '../../../src/diagnostics/collection/own-sockets.ts';
import { type Run, openRun } from '../../../src/diagnostics/evidence/index.ts';
import { fleetPaths } from '../../../src/topology/index.ts';
import { heldBytes } from '../../support/memory.ts';

const NONE = { traefik: undefined, gateway: undefined, runner: undefined };
const NOW = Date.now();

let dir: string;
let run: Run;
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'camofleet-logs-'));
  run = await openRun(join(dir, 'out'), { nowMs: NOW, suffix: 'test' });
});
afterEach(() => rmSync(dir, { recursive: true }));

const socketLine = (key: string): string =>
  `${JSON.stringify({ DownstreamStatus: 0, 'request_Sec-Websocket-Key': key, 'origin_Sec-Websocket-Accept': 'x' })}\n`;
const line = (event: string, atMs = NOW): string =>
  `${JSON.stringify({ time: new Date(atMs).toISOString(), event })}\n`;
const ours = (...publicKeys: readonly string[]) => ({ publicKeys, sinceMs: NOW });

describe('the logs of a fleet', () => {
  test('are read from where they ended when the run began', async () => {
    const paths = { ...fleetPaths(dir), logs: dir, accessLog: join(dir, 'access.log') };
    writeFileSync(join(dir, 'gateway.log'), line('old'));
    const sources = await logSources(NONE, paths);
    appendFileSync(join(dir, 'gateway.log'), line('new'));
    const logs = await collectLogs(run, sources, ours());
    expect(logs.gateway.map(({ event, line: at }) => `${event} ${at}`)).toEqual(['new 1']);
    expect(sources.map(({ as }) => as)).toEqual([
      'traefik-access.log',
      'websockify.log',
      'runner.log',
      'control.log',
      'supervisor.log',
    ]);
  });

  test('that a flag names come before them', async () => {
    const paths = { ...fleetPaths(dir), logs: dir, accessLog: join(dir, 'access.log') };
    const [access] = await logSources({ ...NONE, traefik: join(dir, 'other.log') }, paths);
    expect(access).toMatchObject({ file: join(dir, 'other.log'), as: 'traefik-access.log', from: 0 });
  });
});

describe('logs that flags name', () => {
  test('are read whole; what services said before the run is left out, and lines keep their numbers', async () => {
    writeFileSync(join(dir, 'g.log'), line('gateway.draining', NOW - 60_000) + line('session.closed'));
    writeFileSync(join(dir, 'a.log'), socketLine('old'));
    const sources = await logSources({ ...NONE, gateway: join(dir, 'g.log'), traefik: join(dir, 'a.log') }, undefined);
    const logs = await collectLogs(run, sources, ours());
    expect(logs.gateway.map(({ event, line: at }) => `${event} ${at}`)).toEqual(['session.closed 2']);
    expect(logs.access.map(({ wsKey }) => wsKey)).toEqual(['old']);
  });

  test('and are not given are named skips with the flag', async () => {
    await collectLogs(run, [], ours('key'));
    expect(run.collected).toEqual([
      { what: 'traefik-access.log', status: 'skip', because: 'not given; pass --traefik-log' },
      { what: 'websockify.log', status: 'skip', because: 'not given; pass --gateway-log' },
    ]);
  });
});

describe('the lines of our own sockets', () => {
  test('are waited for, since Traefik writes them when a socket has ended', async () => {
    const file = join(dir, 'a.log');
    writeFileSync(file, socketLine('first'));
    const sources = await logSources({ ...NONE, traefik: file }, undefined);
    setTimeout(() => appendFileSync(file, socketLine('second').slice(0, 30)), 100);
    setTimeout(() => appendFileSync(file, socketLine('second').slice(30)), 250);
    const logs = await collectLogs(run, sources, ours('first', 'second'));
    expect(logs.access.map(({ wsKey }) => wsKey)).toEqual(['first', 'second']);
  });

  test('that never come are not waited for for ever', async () => {
    writeFileSync(join(dir, 'a.log'), socketLine('another'));
    const sources = await logSources({ ...NONE, traefik: join(dir, 'a.log') }, undefined);
    const began = performance.now();
    const logs = await collectLogs(run, sources, ours('never'));
    expect(performance.now() - began).toBeLessThan(10_000);
    expect(logs.access).toHaveLength(1);
    expect(run.collected.find(({ status }) => status === 'partial')?.because).toMatch(/^no line of 1 of our 1 sockets/);
  });
});

describe('clocks', () => {
  const HOUR = 3_600_000;
  const own = (key: string, at: number, more: Partial<OwnSocket> = {}): OwnSocket => ({
    key,
    path: '/w',
    localPort: undefined,
    dialledAt: at,
    askedAt: at,
    openedAt: at,
    endedAt: at + 2_000,
    ...more,
  });
  const opened = (key: string, atMs: number): string =>
    `${JSON.stringify({ time: new Date(atMs).toISOString(), event: 'session.opened', wsKey: key })}\n`;

  test('of a gateway that is an hour behind: its lines of this run are found and moved', async () => {
    const file = join(dir, 'g.log');
    writeFileSync(
      file,
      line('session.closed', NOW - HOUR - 60_000) + opened('a', NOW - HOUR + 10) + opened('b', NOW - HOUR + 14),
    );
    const sources = await logSources({ ...NONE, gateway: file }, undefined);
    const sockets = [own('a', NOW), own('b', NOW)];
    const logs = await collectLogs(run, sources, { publicKeys: [], sinceMs: NOW - 100, sockets });
    expect(logs.clocks).toEqual([{ source: 'websockify.log', aheadMs: 14 - HOUR, uncertaintyMs: 2, events: 2 }]);
    expect(logs.gateway.map(({ line: at, time }) => [at, Date.parse(time) - NOW])).toEqual([
      [2, -4],
      [3, 0],
    ]);
  });

  test('that agree move nothing', async () => {
    writeFileSync(join(dir, 'g.log'), opened('a', NOW + 30));
    const sources = await logSources({ ...NONE, gateway: join(dir, 'g.log') }, undefined);
    const logs = await collectLogs(run, sources, { ...ours(), sockets: [own('a', NOW)] });
    expect(logs.clocks).toMatchObject([{ aheadMs: 30, events: 1 }]);
    expect(Date.parse(logs.gateway[0]!.time)).toBe(NOW + 30);
  });

  test('of an access log are compared by the keys of handshakes', async () => {
    const entry = { DownstreamStatus: 0, StartUTC: new Date(NOW + 90_000).toISOString(), Duration: 2e9 };
    writeFileSync(join(dir, 'a.log'), `${JSON.stringify({ ...entry, 'request_Sec-Websocket-Key': 'a' })}\n`);
    const sources = await logSources({ ...NONE, traefik: join(dir, 'a.log') }, undefined);
    const logs = await collectLogs(run, sources, { ...ours('a'), sockets: [own('a', NOW)] });
    expect(logs.clocks).toMatchObject([{ source: 'traefik-access.log', aheadMs: 90_000 }]);
    expect(logs.access[0]!.startedAt).toBe(new Date(NOW).toISOString());
  });

  test('of another proxy in its own time zone are compared by the ends of requests', async () => {
    const end = new Date(NOW + 2_000 + 2 * HOUR).toISOString();
    const stamp = `${end.slice(0, 10).replaceAll('-', '/')} ${end.slice(11, 19)}`;
    const said = 'upstream timed out (110: Connection timed out) while proxying upgraded connection';
    writeFileSync(
      join(dir, 'error.log'),
      `${stamp} [info] 7#7: *1 ${said}, client: 127.0.0.1, server: , request: "GET /w?token=abc HTTP/1.1"\n\0\xff\n`,
    );
    const sources = await logSources({ ...NONE, proxies: [join(dir, 'error.log')] }, undefined);
    const logs = await collectLogs(run, sources, { ...ours(), sockets: [own('a', NOW)] });
    expect(logs.clocks).toEqual([{ source: 'proxy-error.log', aheadMs: 2 * HOUR, uncertaintyMs: 2_000, events: 1 }]);
    const [cut] = logs.proxies!;
    expect(cut).toMatchObject({ file: 'proxy-error.log', line: 1, end: { by: 'timer', text: said } });
    expect(Math.abs(cut!.endedAtMs - (NOW + 2_000))).toBeLessThan(1_000);
  });
});

describe('long logs', () => {
  test('keep the lines of our own sockets wherever they are, and their end', { timeout: 30_000 }, async () => {
    const file = join(dir, 'a.log');
    const other = socketLine('other').repeat(1_000);
    const descriptor = openSync(file, 'w');
    const sources = await logSources({ ...NONE, traefik: file }, undefined);
    for (let block = 0; block < 300; block += 1) {
      writeSync(descriptor, other);
      if (block === 20) writeSync(descriptor, socketLine('early+key=='));
    }
    writeSync(descriptor, socketLine('late'));
    closeSync(descriptor);
    const before = heldBytes();
    const logs = await collectLogs(run, sources, ours('early+key==', 'late'));
    expect(logs.access.map(({ wsKey }) => wsKey).filter((key) => key !== 'other')).toEqual(['early+key==', 'late']);
    expect(logs.access.length).toBeLessThan(250_000);
    expect(run.collected.find(({ what }) => what === 'traefik-access.log')?.because).toMatch(
      /lines of a\.log, its last 16777216 bytes and 1 of our own before them$/,
    );
    expect(heldBytes() - before).toBeLessThan(150_000_000);
  });
});
