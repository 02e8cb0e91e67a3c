import { optionsFor } from '../support/options.ts';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { verify } from '../../../src/diagnostics/index.ts';
import { startPeer } from '../probe/support/peer.ts';
import { gateway } from '../probe/support/rfb.ts';
import type { ServerSocket } from '../probe/support/websocket.ts';

const TIMED_OUT = 'upstream timed out (110: Connection timed out) while proxying upgraded connection';

let out: string;
beforeEach(() => {
  out = mkdtempSync(join(tmpdir(), 'camofleet-moment-run-'));
});
afterEach(() => rmSync(out, { recursive: true, force: true }));

/** A time in the log of an nginx whose machine lives two hours east. */
function nginxTime(atMs: number): string {
  const text = new Date(atMs + 7_200_000).toISOString();
  return `${text.slice(0, 10).replaceAll('-', '/')} ${text.slice(11, 19)}`;
}

test('a run in which a stream is cut holds the moment, and cites what a proxy in another time zone said of it', async () => {
  const log = join(out, 'nginx-error.log');
  writeFileSync(log, '');
  const cutting = (socket: ServerSocket): void =>
    void setTimeout(() => {
      const request = `client: 127.0.0.1, server: , request: "GET /websockify?token=CANARY HTTP/1.1"`;
      writeFileSync(log, `${nginxTime(Date.now())} [info] 7#7: *1 ${TIMED_OUT}, ${request}\n`, { flag: 'a' });
      socket.stream.destroy();
    }, 600);
  await using peer = await startPeer(gateway({}, cutting));
  const { report, dir } = await verify(
    {
      ...optionsFor(out),
      durationMs: 3_000,
      url: new URL(`ws://127.0.0.1:${peer.port}/websockify?token=CANARY`),
      logs: { traefik: undefined, gateway: undefined, runner: undefined, proxies: [log] },
    },
    {
      version: '0.0.0',
      fleet: undefined,
      now: () => Date.now(),
      monotonic: () => performance.now(),
      suffix: 'test',
      isRoot: false,
      env: { PATH: '/bin:/usr/bin:/usr/sbin:/sbin' },
      signal: new AbortController().signal,
      observer: { onStage: () => {}, onCheck: () => {}, onTrouble: () => {}, onHold: () => {} },
    },
  );
  expect(report.verdict).toBe('fail');
  const moment = readFileSync(join(dir, 'moment.txt'), 'utf8');
  expect(moment).toMatch(/^taken at \S+: /);
  for (const part of ['processes of a path', 'counters of the kernel', 'TCP sockets', 'containers'])
    expect(moment).toContain(`== ${part}`);
  expect(report.artifacts.map(({ path }) => path)).toEqual(
    expect.arrayContaining(['moment.txt', 'proxy-nginx-error.log']),
  );
  expect(report.clocks).toMatchObject([{ source: 'proxy-nginx-error.log', aheadMs: 7_200_000 }]);
  expect(report.findings.flatMap(({ evidence }) => evidence)).toContainEqual(
    expect.objectContaining({ file: 'proxy-nginx-error.log', text: `nginx: ${TIMED_OUT}` }),
  );
  expect(readFileSync(join(dir, 'proxy-nginx-error.log'), 'utf8')).not.toContain('CANARY');
});
