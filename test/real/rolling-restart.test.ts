import { type ChildProcess, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Page, chromium } from 'playwright-core';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ClientMessageParser } from '../../src/rfb/index.ts';
import { createKeyFile, parseKeyring, sealToken } from '../../src/tokens/index.ts';
import { FLEET, SERVICE_KEY, startTestControl, writeKey } from '../control/support/control.ts';
import { PASSWORD } from '../gateway/support/gateway.ts';
import { type RunnerConnection, type TestRunner, startTestRunner } from '../gateway/support/runner.ts';
import { ask } from '../gateway/support/viewer.ts';
import { lacks, which } from '../support/components.ts';
import { isFree } from '../support/fleet.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const RUN = join(ROOT, 'bin', 'run.js');

/** More of them make the figures of docs/performance.md: `RESTARTS=20 npm test -- --project real test/real/rolling`. */
const RESTARTS = Number(process.env['RESTARTS'] ?? 2);
const FIGURES = join(ROOT, 'artifacts', 'rolling-restart.json');

const DRAIN_DELAY_MS = 1_500;
/** Traefik asks `/readyz` this often; it must be well below the delay. */
const HEALTH_MS = 500;
const FRAME_MS = 25;

/** Counts the time between frames: text, because these tests have no types of a browser. */
const WATCH = `{
  let before = '';
  let at = performance.now();
  window.longest = 0;
  window.frames = 0;
  const look = () => {
    const canvas = document.querySelector('canvas');
    const pixel = canvas && canvas.width > 5 ? canvas.getContext('2d').getImageData(5, 5, 1, 1).data.join() : '0,0,0,0';
    const now = performance.now();
    if (pixel !== '0,0,0,0' && pixel !== before) {
      window.longest = Math.max(window.longest, now - at);
      window.frames += 1;
      before = pixel;
      at = now;
    }
    requestAnimationFrame(look);
  };
  look();
}`;

interface Service {
  readonly child: ChildProcess;
  said(): string;
}

/** A picture that moves: each request is answered with another colour. */
function paint({ socket }: RunnerConnection): void {
  const parser = new ClientMessageParser();
  const head = Buffer.from([0, 0, 0, 1, 0, 0, 0, 0, 0, 64, 0, 48, 0, 0, 0, 0]);
  let colour = 1;
  socket.on('data', (bytes: Buffer) => {
    for (const event of parser.feed(bytes)) {
      if (event.type !== 'message' || event.message.type !== 'updateRequest') continue;
      colour = (colour % 250) + 1;
      const picture = Buffer.concat([head, Buffer.alloc(64 * 48 * 4, colour)]);
      setTimeout(() => socket.write(picture), FRAME_MS);
    }
  });
}

async function paintAll(runner: TestRunner): Promise<never> {
  for (;;) paint(await runner.next());
}

async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(20_000, 32_000);
    if (await isFree(port)) return port;
  }
}

describe.skipIf(lacks('chromium', 'traefik') || !existsSync(join(ROOT, 'dist', 'ui', 'viewer')))(
  'two gateways behind Traefik that restart in turn',
  () => {
    let scope: AsyncDisposableStack;
    let dir: string;
    let env: Record<string, string>;
    let ports: number[];
    let runner: TestRunner;
    const gateways: Service[] = [];

    beforeEach(async () => {
      scope = new AsyncDisposableStack();
      dir = mkdtempSync(join(tmpdir(), 'camofleet-rolling-'));
      scope.defer(() => rmSync(dir, { recursive: true, force: true }));
      const keysFile = join(dir, 'keys.json');
      await createKeyFile(keysFile);
      const keyFile = writeKey(dir, 'service.key', SERVICE_KEY);
      const { control } = scope.use(
        await startTestControl([], {
          CAMOFLEET_CONTROL_TOKEN_KEYS_FILE: keysFile,
          CAMOFLEET_CONTROL_SERVICE_KEY_FILE: keyFile,
        }),
      );
      runner = scope.use(await startTestRunner());
      void paintAll(runner);
      ports = [await freePort(), await freePort(), await freePort()];
      env = {
        PATH: process.env['PATH'] ?? '',
        HTTP_HOST: '127.0.0.1',
        SHUTDOWN_GRACE_MS: '5000',
        CAMOFLEET_GATEWAY_DRAIN_DELAY_MS: String(DRAIN_DELAY_MS),
        CAMOFLEET_GATEWAY_INTERNAL_PORT: '0',
        CAMOFLEET_GATEWAY_FLEET_ID: FLEET,
        CAMOFLEET_GATEWAY_TOKEN_KEYS_FILE: keysFile,
        CAMOFLEET_GATEWAY_SERVICE_KEY_FILE: keyFile,
        CAMOFLEET_GATEWAY_CONTROL_URL: `http://127.0.0.1:${control.internalPort}`,
        CAMOFLEET_GATEWAY_ALLOWED_TARGETS: '127.0.0.1:1-65535',
      };
    });
    afterEach(() => scope.disposeAsync());

    function start(program: string, args: readonly string[], own: Readonly<Record<string, string>>): Service {
      const child = spawn(program, args, { env: own, cwd: dir, stdio: ['ignore', 'pipe', 'pipe'] });
      let output = '';
      for (const stream of [child.stdout, child.stderr])
        stream.on('data', (bytes: Buffer) => (output += bytes.toString()));
      scope.defer(async () => {
        if (child.exitCode !== null || child.signalCode !== null) return;
        child.kill('SIGKILL');
        await once(child, 'exit');
      });
      return { child, said: () => output };
    }

    async function startGateway(which: number): Promise<void> {
      const own = { ...env, HTTP_PORT: String(ports[which]), CAMOFLEET_GATEWAY_ID: `gateway-${which}` };
      gateways[which] = start(process.execPath, [RUN, 'gateway'], own);
      await expect.poll(() => gateways[which]!.said(), { timeout: 15_000 }).toContain('"connected":true');
      await expect.poll(async () => (await ask(ports[which]!, '/readyz')).status).toBe(200);
    }

    async function startTraefik(): Promise<void> {
      const entry = { websecure: { address: `127.0.0.1:${ports[2]}`, http: { tls: {} } } };
      const files = { providers: { file: { directory: join(dir, 'dynamic') } }, entryPoints: entry };
      const balancer = {
        servers: ports.slice(0, 2).map((port) => ({ url: `http://127.0.0.1:${port}` })),
        healthCheck: { path: '/readyz', interval: `${HEALTH_MS}ms`, timeout: '400ms' },
      };
      const router = { rule: 'PathPrefix(`/vnc`) || Path(`/websockify`)', service: 'gateway', tls: {} };
      mkdirSync(join(dir, 'dynamic'));
      writeFileSync(join(dir, 'traefik.yaml'), JSON.stringify(files));
      const http = { routers: { gateway: router }, services: { gateway: { loadBalancer: balancer } } };
      const tls = { options: { default: { alpnProtocols: ['http/1.1'] } } };
      writeFileSync(join(dir, 'dynamic', 'routes.yaml'), JSON.stringify({ http, tls }));
      start('traefik', ['--configfile=traefik.yaml'], process.env as Record<string, string>);
    }

    async function openPage(): Promise<Page> {
      const context = await chromium.launchPersistentContext(join(dir, 'profile'), {
        executablePath: which('chromium')!,
        headless: true,
        ignoreHTTPSErrors: true,
        viewport: { width: 600, height: 400 },
        args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'],
      });
      scope.defer(() => context.close());
      const page = await context.newPage();
      const now = Math.floor(Date.now() / 1_000);
      const target = { host: '127.0.0.1', port: runner.port };
      const token = await sealToken(
        // Good for the first opening alone: every one behind it is opened with what was renewed.
        {
          aud: FLEET,
          sid: 'session-1',
          jti: 'jti-1',
          sub: 'o',
          rights: 'control',
          target,
          pw: PASSWORD,
          iat: now,
          exp: now + 300,
          once: true,
        },
        parseKeyring(readFileSync(env['CAMOFLEET_GATEWAY_TOKEN_KEYS_FILE']!, 'utf8'), 'keys'),
      );
      const url = `https://127.0.0.1:${ports[2]}/vnc/session-1`;
      await expect
        .poll(
          () =>
            context.request.get(url, { ignoreHTTPSErrors: true }).then(
              (answer) => answer.status(),
              () => 0,
            ),
          {
            timeout: 20_000,
          },
        )
        .toBe(200);
      await page.goto(`${url}#token=${token}`);
      await page.waitForSelector('html[data-state="connected"]', { timeout: 15_000 });
      await page.evaluate(WATCH);
      return page;
    }

    /** Restarts the gateway that the page is at; returns the longest time without a new frame. */
    async function restart(page: Page, at: number): Promise<number> {
      const leaving = gateways[at]!.child;
      const gone = once(leaving, 'exit');
      await page.evaluate('window.longest = 0');
      leaving.kill('SIGTERM');
      await expect
        .poll(() => gateways[1 - at]!.said().includes('session.opened'), { timeout: 20_000, interval: 20 })
        .toBe(true);
      const seen = Number(await page.evaluate('window.frames'));
      await expect
        .poll(() => page.evaluate<number>('window.frames'), { timeout: 10_000, interval: 20 })
        .toBeGreaterThan(seen + 5);
      expect(await gone).toEqual([0, null]);
      await startGateway(at);
      return Math.round(Number(await page.evaluate('window.longest')));
    }

    test(
      `the viewer page comes back by itself with its renewed token and shows frames again, ${RESTARTS} times`,
      async () => {
        await Promise.all([startGateway(0), startGateway(1)]);
        await startTraefik();
        const page = await openPage();
        await expect.poll(() => page.evaluate<number>('window.frames'), { timeout: 10_000 }).toBeGreaterThan(5);
        const gaps: number[] = [];
        mkdirSync(join(ROOT, 'artifacts'), { recursive: true });
        let at = gateways[0]!.said().includes('session.opened') ? 0 : 1;
        for (let turn = 0; turn < RESTARTS; turn += 1) {
          gaps.push(await restart(page, at));
          writeFileSync(FIGURES, JSON.stringify({ gapsMs: gaps }));
          at = 1 - at;
          await new Promise((resolve) => setTimeout(resolve, 2 * HEALTH_MS)); // Traefik sees that it is back
        }
        expect(Math.max(...gaps)).toBeLessThan(5_000);
        expect(await page.getAttribute('html', 'data-state')).toBe('connected');
      },
      60_000 + RESTARTS * 20_000,
    );
  },
);
