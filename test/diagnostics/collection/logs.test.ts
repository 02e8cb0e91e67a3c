import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { collectLogs, logSources } from '../../../src/diagnostics/collection/index.ts';
import { type Run, openRun } from '../../../src/diagnostics/evidence/index.ts';
import { fleetPaths } from '../../../src/topology/index.ts';

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
      'supervisor.log',
    ]);
  });

  test('that a flag names come before them', async () => {
    const paths = { ...fleetPaths(dir), logs: dir, accessLog: join(dir, 'access.log') };
    const [access] = await logSources({ ...NONE, traefik: join(dir, 'other.log') }, paths);
    expect(access).toEqual({ file: join(dir, 'other.log'), as: 'traefik-access.log', from: 0 });
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
  });
});
