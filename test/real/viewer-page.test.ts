import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BrowserContext, type Page, chromium } from 'playwright-core';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ClientMessageParser } from '../../src/rfb/index.ts';
import { startTestControl } from '../gateway/support/control.ts';
import { type TestGateway, startTestGateway } from '../gateway/support/gateway.ts';
import { type RunnerConnection, type TestRunner, startTestRunner } from '../gateway/support/runner.ts';
import { lacks, which } from '../support/components.ts';

const PAGE_ROOT = join(import.meta.dirname, '..', '..', 'dist', 'ui', 'viewer');
const PICTURES = join(import.meta.dirname, '..', '..', 'artifacts', 'viewer-test');
const ARGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'];

/** What is asked inside the page; text, because these tests have no types of a browser. */
const PIXEL = `[...document.querySelector('canvas').getContext('2d').getImageData(5, 5, 1, 1).data.slice(0, 3)].join(',')`;
const GLOBALS = `Object.keys(globalThis).filter((name) => /rfb|novnc|camofleet/i.test(name))`;

/** Answers each request for a picture with one colour, in the format that noVNC asks for. */
function paint({ socket }: RunnerConnection, [red, green, blue]: readonly [number, number, number]): void {
  const parser = new ClientMessageParser();
  const head = Buffer.from([0, 0, 0, 1, 0, 0, 0, 0, 0, 64, 0, 48, 0, 0, 0, 0]);
  const pixels = Buffer.concat(Array.from({ length: 64 * 48 }, () => Buffer.from([red, green, blue, 0])));
  socket.on('data', (bytes: Buffer) => {
    for (const event of parser.feed(bytes))
      if (event.type === 'message' && event.message.type === 'updateRequest' && !event.message.incremental)
        socket.write(Buffer.concat([head, pixels]));
  });
}

async function paintAll(runner: TestRunner): Promise<never> {
  for (;;) paint(await runner.next(), [34, 102, 170]);
}

const headlineOf = (page: Page): Promise<string | null> => page.textContent('h1');

/** The page says its state in its root element. */
async function untilState(page: Page, state: string, code?: string): Promise<void> {
  const root = `html[data-state="${state}"]${code === undefined ? '' : `[data-code="${code}"]`}`;
  await page.waitForSelector(root, { timeout: 15_000 });
}

describe.skipIf(lacks('chromium') || !existsSync(PAGE_ROOT))('the viewer page in Chromium', () => {
  let scope = new AsyncDisposableStack();
  let context: BrowserContext;
  let runner: TestRunner;
  beforeEach(async () => {
    scope = new AsyncDisposableStack();
    const profile = mkdtempSync(join(tmpdir(), 'camofleet-chromium-'));
    scope.defer(() => rmSync(profile, { recursive: true, force: true }));
    context = await chromium.launchPersistentContext(profile, {
      executablePath: which('chromium')!,
      headless: true,
      viewport: { width: 1_000, height: 640 },
      args: ARGS,
    });
    scope.defer(() => context.close());
    runner = scope.use(await startTestRunner());
    void paintAll(runner);
    mkdirSync(PICTURES, { recursive: true });
  });
  afterEach(() => scope.disposeAsync());

  async function open(gateway: TestGateway, token: string): Promise<Page> {
    const page = await context.newPage();
    await page.goto(`http://127.0.0.1:${gateway.port}/vnc/session-1#token=${token}`);
    return page;
  }

  test('shows the picture within its policy, asks nobody else, and keeps the token out of its address', async () => {
    const gateway = scope.use(await startTestGateway({}, { pageRoot: PAGE_ROOT }));
    const page = await context.newPage();
    const said: string[] = [];
    const asked: string[] = [];
    page.on('console', (message) => said.push(message.text()));
    page.on('pageerror', (error) => said.push(String(error)));
    page.on('request', (request) => asked.push(request.url()));
    await page.goto(`http://127.0.0.1:${gateway.port}/vnc/session-1#token=${await gateway.token(runner.port)}`);
    await untilState(page, 'connected');
    await expect.poll(() => page.evaluate<string>(PIXEL)).toBe('34,102,170');
    expect(page.url()).toBe(`http://127.0.0.1:${gateway.port}/vnc/session-1`);
    expect(said).toEqual([]);
    expect(
      asked.filter((url) => !url.startsWith(`http://127.0.0.1:${gateway.port}/`) && !url.startsWith('data:')),
    ).toEqual([]);
    await page.screenshot({ path: join(PICTURES, 'page-connected.png') });
    await page.keyboard.press('Control+Alt+Escape');
    await expect.poll(() => page.evaluate<string>('document.activeElement.id')).toBe('fullscreen');
    await page.reload();
    await untilState(page, 'connected');
    expect(await page.evaluate<string[]>(GLOBALS)).toEqual([]);
  });

  test('says what control took back or ended, and stays away', async () => {
    const control = scope.use(await startTestControl());
    const gateway = scope.use(await startTestGateway(control.env, { pageRoot: PAGE_ROOT }));
    const token = await gateway.token(runner.port);
    const page = await open(gateway, token);
    await untilState(page, 'connected');
    control.history.announce('rights.revoked', { session: 'session-1', jti: 'jti-1', at: new Date().toISOString() });
    await untilState(page, 'ended', '4403');
    await page.screenshot({ path: join(PICTURES, 'page-revoked.png') });

    const other = await open(gateway, await gateway.token(runner.port, { jti: 'jti-2' }));
    await untilState(other, 'connected');
    const detail = { session: 'session-1', reason: 'released', detail: 'over', at: new Date().toISOString() };
    control.history.announce('session.ended', detail);
    await untilState(other, 'ended', '4410');
    const opened = (await gateway.log('session.opened')).length;
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(await gateway.log('session.opened')).toHaveLength(opened);
    expect(await headlineOf(other)).toBe('The session has ended');
    await other.reload();
    await untilState(other, 'ended', '410');
    expect(await headlineOf(other)).toBe('The session has ended');
  });

  test('comes back by itself with its renewed token when the gateway restarts', async () => {
    const keys = mkdtempSync(join(tmpdir(), 'camofleet-keys-'));
    scope.defer(() => rmSync(keys, { recursive: true }));
    const env = {
      CAMOFLEET_GATEWAY_TOKEN_KEYS_FILE: join(keys, 'keys.json'),
      CAMOFLEET_GATEWAY_DRAIN_DELAY_MS: '0',
    };
    const first = await startTestGateway(env, { pageRoot: PAGE_ROOT });
    const page = await open(first, await first.token(runner.port));
    await untilState(page, 'connected');
    const [before] = await first.log('session.opened');
    const leaving = first.gateway.drain();
    await untilState(page, 'connecting', '1012');
    await leaving;
    await first[Symbol.asyncDispose]();
    const second = scope.use(
      await startTestGateway({ ...env, HTTP_PORT: String(first.port) }, { pageRoot: PAGE_ROOT }),
    );
    await untilState(page, 'connected');
    const [after] = await second.log('session.opened');
    expect(after!['session']).toBe(before!['session']);
    expect(after!['token']).not.toBe(before!['token']);
  });

  test('has its token renewed later where it is not known yet, as long as its socket is open', async () => {
    const gateway = scope.use(await startTestGateway({}, { pageRoot: PAGE_ROOT }));
    const page = await context.newPage();
    const answers: number[] = [];
    await page.clock.install();
    await page.route('**/token', async (route) => {
      if (answers.length === 0) await route.fulfill({ status: 401 });
      else await route.continue();
    });
    page.on('response', (response) => {
      if (response.url().endsWith('/token')) answers.push(response.status());
    });
    await page.goto(`http://127.0.0.1:${gateway.port}/vnc/session-1#token=${await gateway.token(runner.port)}`);
    await untilState(page, 'connected');
    await expect.poll(() => answers).toEqual([401]);
    await page.clock.fastForward(61_000);
    await expect.poll(() => answers).toEqual([401, 200]);
  });

  test('says why a link does not open, and tries again where that can help', async () => {
    const gateway = scope.use(await startTestGateway({ MAX_CONCURRENT_SESSIONS: '1' }, { pageRoot: PAGE_ROOT }));
    const expired = await open(gateway, await gateway.token(runner.port, { iat: 1, exp: 2 }));
    await untilState(expired, 'ended', '401');
    expect(await headlineOf(expired)).toBe('This link is not valid');
    await expired.screenshot({ path: join(PICTURES, 'page-refused.png') });

    const unknown = await context.newPage();
    await unknown.goto(`http://127.0.0.1:${gateway.port}/vnc/7777`);
    await untilState(unknown, 'ended', '401');

    const taken = await open(gateway, await gateway.token(runner.port));
    await untilState(taken, 'connected');
    const waiting = await open(gateway, await gateway.token(runner.port));
    await untilState(waiting, 'connecting', '503');
    await waiting.screenshot({ path: join(PICTURES, 'page-waiting.png') });
    await taken.close();
    await untilState(waiting, 'connected');
  });

  test('says that it may only look', async () => {
    const gateway = scope.use(await startTestGateway({}, { pageRoot: PAGE_ROOT }));
    const page = await open(gateway, await gateway.token(runner.port, { rights: 'view' }));
    await untilState(page, 'connected');
    await page.waitForSelector('#rights:not([hidden])');
    await page.screenshot({ path: join(PICTURES, 'page-view-only.png') });
  });
});
