import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { type BrowserContext, type Page, chromium } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { CARD_SWATCHES } from '../../src/testcard/index.ts';
import { lacks, which } from '../support/components.ts';
import { type Fleet, startFleet } from '../support/fleet.ts';

const PICTURES = join(import.meta.dirname, '..', '..', 'artifacts', 'viewer-test');
const CHROMIUM_ARGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

async function openBrowser(): Promise<{ context: BrowserContext } & AsyncDisposable> {
  const profile = mkdtempSync(join(tmpdir(), 'camofleet-chromium-'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: which('chromium')!,
    headless: true,
    ignoreHTTPSErrors: true,
    viewport: { width: 1280, height: 800 },
    args: CHROMIUM_ARGS,
  });
  return {
    context,
    [Symbol.asyncDispose]: async () => {
      await context.close();
      rmSync(profile, { recursive: true, force: true });
    },
  };
}

/** Opens a session's page and waits until noVNC says that it is connected. */
async function openViewer(context: BrowserContext, url: string): Promise<Page> {
  const page = await context.newPage();
  await page.goto(url);
  await page.waitForSelector('html[data-state="connected"]', { timeout: 20_000 }); // a function as text is forbidden there
  return page;
}

/** The colour of one framebuffer pixel as noVNC drew it, `r,g,b`. */
function pixelAt(page: Page, x: number, y: number): Promise<string> {
  return page.evaluate(
    `[...document.querySelector('canvas').getContext('2d').getImageData(${x}, ${y}, 1, 1).data.slice(0, 3)].join(',')`,
  );
}

/** The X display of a session and its cookie file, from the command line of its Xvfb. */
function displayOf(fleet: Fleet): { display: string; cookie: string } {
  const [xvfb] = fleet.processes('Xvfb', '-auth');
  const argv = xvfb!.argv;
  return { display: argv.find((word) => /^:\d+$/.test(word))!, cookie: argv[argv.indexOf('-auth') + 1]! };
}

describe.skipIf(lacks('traefik', 'xvfb', 'x11vnc', 'xsetroot', 'chromium'))(
  'the viewer page in Chromium, through Traefik',
  () => {
    test('shows the colour that was painted on the X display, and the test card', { timeout: 180_000 }, async () => {
      mkdirSync(PICTURES, { recursive: true });
      await using fleet = await startFleet();
      await using browser = await openBrowser();

      const screen = await fleet.createSession({ browser: 'none' });
      const { display, cookie } = displayOf(fleet);
      await execa('xsetroot', ['-solid', '#2266aa'], { env: { DISPLAY: display, XAUTHORITY: cookie } });
      const viewer = await openViewer(browser.context, screen.vnc!.http);
      await expect.poll(() => pixelAt(viewer, 300, 200), { timeout: 10_000 }).toBe('34,102,170');
      expect(viewer.url()).not.toContain('token');
      await viewer.screenshot({ path: join(PICTURES, 'xsetroot.png') });

      const card = await fleet.createSession({ browser: 'testcard' });
      const cardViewer = await openViewer(browser.context, card.vnc!.http);
      const swatch = CARD_SWATCHES[0]!;
      await expect.poll(() => pixelAt(cardViewer, swatch.x, swatch.y), { timeout: 10_000 }).toBe(swatch.rgb.join(','));
      await cardViewer.screenshot({ path: join(PICTURES, 'testcard.png') });
      writeFileSync(join(PICTURES, 'README.txt'), 'Written by test/real/viewer.test.ts.\n');

      const requests = readFileSync(join(fleet.dir, '.camofleet', 'logs', 'traefik-access.log'), 'utf8');
      expect(requests).not.toContain(new URL(screen.vnc!.ws).searchParams.get('token'));
    });

    test('says in words that the session was released, and does not reconnect', { timeout: 120_000 }, async () => {
      await using fleet = await startFleet();
      await using browser = await openBrowser();
      const session = await fleet.createSession({ browser: 'testcard' });
      const page = await openViewer(browser.context, session.vnc!.http);
      await fleet.api('DELETE', `/sessions/${session.worker}/${session.id}`);
      await page.waitForSelector('html[data-code="4410"]', { timeout: 5_000 });
      expect(await page.evaluate(`document.documentElement.dataset.state`)).toBe('ended');
    });
  },
);
