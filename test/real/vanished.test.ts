import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type TestGateway, startTestGateway } from '../gateway/support/gateway.ts';
import { SERVER_INIT, startTestRunner } from '../gateway/support/runner.ts';
import { ask, openViewer, refusalOf } from '../gateway/support/viewer.ts';
import { lacks } from '../support/components.ts';

/** An RFB server without a password, and a viewer that opens and then only answers pings; each on the other host. */
const RUNNER = `
const { createServer } = require('node:net');
createServer((socket) => {
  const say = [Buffer.from([1, 1]), Buffer.alloc(4), Buffer.from('${SERVER_INIT.toString('hex')}', 'hex')];
  socket.on('error', () => {}).on('data', () => { const next = say.shift(); if (next) socket.write(next); });
  socket.write('RFB 003.008\\n');
}).listen(5900, '0.0.0.0', () => console.log('ready'));
`;
const VIEWER = `
const socket = new WebSocket(process.argv[1], ['binary']);
const say = [Buffer.from('RFB 003.008\\n'), Buffer.from([1]), Buffer.from([1])];
socket.onmessage = () => { const next = say.shift(); if (next) socket.send(next); else console.log('ready'); };
`;

/** A key event, as a viewer sends them to a runner that need not answer. */
const KEY = Buffer.from([4, 1, 0, 0, 0, 0, 0, 0x61]);

const READ_TIMEOUT_MS = 4_000;
/** Ten questions of the kernel's keepalive, a second apart, behind a quarter of the timeout. */
const KEEPALIVE_MS = READ_TIMEOUT_MS / 4 + 10_000;

const isRoot = process.getuid?.() === 0;

describe.skipIf(lacks('nft') || !isRoot)(
  'a host that vanishes, in a network namespace whose packets are dropped',
  () => {
    let scope: AsyncDisposableStack;
    let space: string;
    let near: string;
    let far: string;
    beforeEach(() => {
      scope = new AsyncDisposableStack();
      const number = randomInt(1, 250);
      space = `cf-test-${process.pid}`;
      [near, far] = [`10.213.${number}.1`, `10.213.${number}.2`];
      run('ip', 'netns', 'add', space);
      scope.defer(() => run('ip', 'netns', 'del', space));
      run('ip', 'link', 'add', `cfv${number}`, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', space);
      run('ip', 'addr', 'add', `${near}/30`, 'dev', `cfv${number}`);
      run('ip', 'link', 'set', `cfv${number}`, 'up');
      inside('ip', 'addr', 'add', `${far}/30`, 'dev', 'eth0');
      inside('ip', 'link', 'set', 'eth0', 'up');
    });
    afterEach(() => scope.disposeAsync());

    function inside(...argv: readonly string[]): void {
      run('ip', 'netns', 'exec', space, ...argv);
    }

    /** A program on the other host; resolves when it says that it is ready. */
    async function startInside(program: string, ...args: readonly string[]): Promise<ChildProcess> {
      const child = spawn('ip', ['netns', 'exec', space, process.execPath, '-e', program, ...args], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      scope.defer(async () => {
        child.kill('SIGKILL');
        await once(child, 'close');
      });
      await once(child.stdout, 'data');
      return child;
    }

    function vanish(): void {
      inside('nft', 'add', 'table', 'inet', 't');
      for (const hook of ['input', 'output'])
        inside('nft', 'add', 'chain', 'inet', 't', hook, `{ type filter hook ${hook} priority 0; policy drop; }`);
    }

    async function closedOf(gateway: TestGateway, session: string): Promise<Record<string, unknown>> {
      const found = (): Record<string, unknown> | undefined =>
        gateway.lines
          .map((line): Record<string, unknown> => JSON.parse(line))
          .find((line) => line['event'] === 'session.closed' && line['session'] === session);
      await expect.poll(found, { timeout: 30_000, interval: 50 }).toBeDefined();
      return { ...found()!, afterMs: performance.now() };
    }

    test('is found within the configured time: a viewer, a runner on a still screen, a runner that is typed to', async () => {
      const local = scope.use(await startTestRunner({ password: undefined }));
      const away = { host: far, port: 5900 };
      const gateway = scope.use(
        await startTestGateway({
          HTTP_HOST: '0.0.0.0',
          WS_PING_INTERVAL_MS: '1000',
          WS_READ_TIMEOUT_MS: String(READ_TIMEOUT_MS),
          TCP_CONNECT_TIMEOUT_MS: '1000',
          VNC_MAP_JSON: JSON.stringify({ viewer: { host: '127.0.0.1', port: local.port }, still: away, typed: away }),
        }),
      );
      await startInside(RUNNER);
      await startInside(VIEWER, `ws://${near}:${gateway.port}/websockify?token=viewer`);
      const still = await openViewer(gateway.port, 'still');
      const typed = await openViewer(gateway.port, 'typed');
      const typing = setInterval(() => typed.send(KEY), 100);
      scope.defer(() => clearInterval(typing));
      await new Promise((resolve) => setTimeout(resolve, READ_TIMEOUT_MS + 1_500)); // longer than any limit, and nothing ends
      expect(gateway.lines.filter((line) => line.includes('session.closed'))).toEqual([]);

      vanish();
      const began = performance.now();
      const ends = await Promise.all(['viewer', 'still', 'typed'].map((session) => closedOf(gateway, session)));
      const after = ends.map(({ afterMs }) => Math.round(Number(afterMs) - began));
      expect(ends).toMatchObject([
        { cause: 'viewer_lost', by: 'viewer', code: null, detail: `no pong and no byte for ${READ_TIMEOUT_MS} ms` },
        { cause: 'upstream_lost', by: 'runner', code: 4504, detail: expect.stringContaining('ETIMEDOUT') },
        {
          cause: 'upstream_lost',
          by: 'runner',
          code: 4504,
          detail: `the runner acknowledged nothing for ${READ_TIMEOUT_MS} ms`,
        },
      ]);
      expect([(await still.closed).code, (await typed.closed).code]).toEqual([4504, 4504]);
      expect(after[0]).toBeLessThan(READ_TIMEOUT_MS + 2_000);
      expect(after[1]).toBeLessThan(KEEPALIVE_MS + 4_000);
      expect(after[2]).toBeLessThan(READ_TIMEOUT_MS + 4_000);
      const { body } = await ask(gateway.gateway.internalPort, '/metrics');
      expect(body).toContain('camofleet_gateway_closed_total{cause="viewer_lost"} 1');
      expect(body).toContain('camofleet_gateway_closed_total{cause="upstream_lost"} 2');
      expect((await refusalOf(gateway.port, 'still')).problem.code).toBe('runner_timeout');
    }, 60_000);
  },
);

function run(program: string, ...argv: readonly string[]): void {
  execFileSync(program, argv, { stdio: ['ignore', 'ignore', 'inherit'] });
}
