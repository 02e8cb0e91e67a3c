import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { ClientSession } from '../../src/rfb/index.ts';
import { parseServerInit } from '../../src/rfb/server-init.ts';
import { CARD_SWATCHES } from '../../src/testcard/index.ts';
import { type TestViewer, openViewer } from '../gateway/support/viewer.ts';
import { startCard, PASSWORD as CARD_PASSWORD } from '../runner/support/card.ts';
import { DEBIAN_PYTHON, lacks, which } from '../support/components.ts';
import { openChromium } from './support/chromium.ts';
import { type BrowserPage, openFirefox } from './support/firefox.ts';
import { type GatewayProcess, startGatewayProcess } from './support/gateway-process.ts';
import {
  BARE,
  BLUE,
  INSIDE,
  PASSWORD,
  type Screen,
  startTiger,
  startTigerViewer,
  startX11vnc,
} from './support/screens.ts';

const FIXTURES = join(import.meta.dirname, '..', 'fixtures');
const POLLED = { timeout: 30_000, interval: 100 };
const STARTED = 120_000;

/** Messages that act: pointer, button, key, QEMU key, clipboard, extended clipboard, size, power. */
const RESIZED = { width: 400, height: 300 };
const ACTS = {
  pointer: Buffer.from([5, 0, 0, INSIDE.x, 0, INSIDE.y]),
  press: Buffer.from([5, 1, 0, INSIDE.x, 0, INSIDE.y]),
  release: Buffer.from([5, 0, 0, INSIDE.x + 1, 0, INSIDE.y]),
  keyDown: Buffer.from([4, 1, 0, 0, 0, 0, 0, 0x61]),
  keyUp: Buffer.from([4, 0, 0, 0, 0, 0, 0, 0x61]),
  clipboard: Buffer.concat([Buffer.from([6, 0, 0, 0, 0, 0, 0, 6]), Buffer.from('canary')]),
};
const ACTS_OF_EXTENSIONS = {
  qemuDown: Buffer.from([255, 0, 0, 1, 0, 0, 0, 0x61, 0, 0, 0, 30]),
  qemuUp: Buffer.from([255, 0, 0, 0, 0, 0, 0, 0x61, 0, 0, 0, 30]),
  offer: Buffer.from([6, 0, 0, 0, 0xff, 0xff, 0xff, 0xfc, 8, 0, 0, 1]),
  size: Buffer.from([251, 0, 1, 0x90, 1, 0x2c, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0x90, 1, 0x2c, 0, 0, 0, 0]),
  power: Buffer.from([250, 0, 1, 2]),
};

/** A viewer that draws. */
interface Watching extends Disposable {
  readonly viewer: TestViewer;
  readonly size: { readonly width: number; readonly height: number };
  /** The colour at a place, `r,g,b`. */
  colour(at: { readonly x: number; readonly y: number }): string;
  /** Resolves when the whole picture has come once more: what was sent before has been read by then. */
  askAnew(): Promise<void>;
}

async function watch(
  gateway: GatewayProcess,
  screen: Pick<Screen, 'port' | 'password'>,
  rights: 'control' | 'view',
): Promise<Watching> {
  const viewer = await openViewer(gateway.port, await gateway.token({ ...screen, rights }));
  const head = await viewer.until(24);
  const length = 24 + head.readUInt32BE(20);
  const init = parseServerInit((await viewer.until(length)).subarray(0, length));
  const session = new ClientSession(init, { keepPicture: true });
  let updates = 0;
  const take = (bytes: Buffer): void => {
    for (const event of session.feed(bytes)) {
      if (event.type !== 'update') continue;
      updates += 1;
      viewer.send(session.request(true));
    }
  };
  take(viewer.received().subarray(length));
  viewer.socket.on('message', (bytes: Buffer) => take(bytes));
  viewer.send(session.start());
  return {
    viewer,
    size: init,
    colour: ({ x, y }) => {
      const { pixels, width } = session.picture!;
      const at = (y * width + x) * 4;
      return [...pixels.subarray(at, at + 3)].join(',');
    },
    askAnew: async () => {
      const before = updates;
      viewer.send(session.request(false));
      await expect.poll(() => updates, POLLED).toBeGreaterThan(before);
    },
    [Symbol.dispose]: () => viewer.socket.terminate(),
  };
}

let scope = new AsyncDisposableStack();
let gateway: GatewayProcess;
beforeAll(async () => {
  gateway = await startGatewayProcess();
}, STARTED);
afterAll(() => gateway[Symbol.asyncDispose]());
afterEach(async () => {
  await scope.disposeAsync();
  scope = new AsyncDisposableStack();
}, STARTED);

const SERVERS: readonly [string, boolean, () => Promise<Screen>][] = [
  ['x11vnc with a password', lacks('xvfb', 'x11vnc', 'xsetroot', 'xev'), () => startX11vnc(PASSWORD)],
  ['x11vnc without a password', lacks('xvfb', 'x11vnc', 'xsetroot', 'xev'), () => startX11vnc('')],
  ['Xtigervnc with a password', lacks('xtigervnc', 'xsetroot', 'xev'), () => startTiger(PASSWORD)],
  ['Xtigervnc without a password', lacks('xtigervnc', 'xsetroot', 'xev'), () => startTiger('')],
];

describe.each(SERVERS)('behind the gateway %s', (_name, isMissing, start) => {
  test.skipIf(isMissing)(
    'shows its screen, and acts for those alone who may control it',
    { timeout: STARTED },
    async () => {
      const screen = scope.use(await start());
      using looking = await watch(gateway, screen, 'view');
      expect(looking.size).toMatchObject({ width: 320, height: 240 });
      await expect.poll(() => looking.colour(BARE), POLLED).toBe(BLUE);
      for (const act of [...Object.values(ACTS), ...Object.values(ACTS_OF_EXTENSIONS)]) looking.viewer.send(act);
      looking.viewer.send(Buffer.concat([...Object.values(ACTS_OF_EXTENSIONS), ...Object.values(ACTS)]));
      await looking.askAnew();
      await new Promise((resolve) => setTimeout(resolve, 500)); // from the server to the window
      expect(screen.input()).toEqual([]);
      expect(screen.clipboard()).not.toContain('canary');

      using acting = await watch(gateway, screen, 'control');
      expect(acting.size).toMatchObject({ width: 320, height: 240 });
      for (const act of Object.values(ACTS)) acting.viewer.send(act);
      await expect
        .poll(() => [...new Set(screen.input())].toSorted(), POLLED)
        .toEqual(expect.arrayContaining(['ButtonPress', 'KeyPress']));

      looking.viewer.send(Buffer.concat([Buffer.from([99]), ACTS.press]));
      expect((await looking.viewer.closed).code).toBe(1002);
      await acting.askAnew();
      expect(gateway.log()).toContain('unknown RFB message 99 of a viewer who may only view');
      for (const secret of [PASSWORD, 'canary', 'eyJ']) expect(gateway.log()).not.toContain(secret);
    },
  );
});

test.skipIf(lacks('xvfb', 'x11vnc', 'xsetroot', 'xev'))(
  'clipboard text of one who may control reaches x11vnc',
  { timeout: STARTED },
  async () => {
    const screen = scope.use(await startX11vnc(PASSWORD));
    using acting = await watch(gateway, screen, 'control');
    acting.viewer.send(ACTS.clipboard);
    await expect.poll(() => screen.clipboard(), POLLED).toContain('canary');
  },
);

test.skipIf(lacks('xtigervnc', 'xsetroot', 'xev'))(
  'Xtigervnc takes another size from one who may control it, and from nobody else',
  { timeout: STARTED },
  async () => {
    const screen = scope.use(await startTiger(PASSWORD));
    for (const [rights, size] of [
      ['view', { width: 320, height: 240 }],
      ['control', RESIZED],
    ] as const) {
      using resizing = await watch(gateway, screen, rights);
      resizing.viewer.send(ACTS_OF_EXTENSIONS.size);
      await resizing.askAnew();
      using after = await watch(gateway, screen, rights);
      expect(after.size).toMatchObject(size);
    }
  },
);

test('the test card behind the gateway shows its swatches', { timeout: STARTED }, async () => {
  const card = scope.use(await startCard());
  using looking = await watch(gateway, { port: card.port, password: CARD_PASSWORD }, 'view');
  for (const swatch of CARD_SWATCHES)
    await expect.poll(() => looking.colour(swatch), POLLED).toBe(swatch.rgb.join(','));
});

/** The colour that noVNC has drawn; text, because these tests have no types of a browser. */
const PIXEL = `[...document.querySelector('canvas').getContext('2d').getImageData(${BARE.x}, ${BARE.y}, 1, 1).data.slice(0, 3)].join(',')`;
const STATE = `document.documentElement.dataset.state`;
/** Where the middle of the screen's window is in the page. */
const PLACE = `(() => { const box = document.querySelector('canvas').getBoundingClientRect(); return Math.round(box.x + box.width / 2) + ',' + Math.round(box.y + box.height / 2); })()`;

const RESOURCES = `performance.getEntriesByType('resource').map((entry) => new URL(entry.name).origin).join(' ')`;

const BROWSERS: readonly [string, boolean, () => Promise<BrowserPage>][] = [
  ['Firefox', lacks('firefox', 'xtigervnc', 'xsetroot', 'xev'), () => openFirefox(which('firefox-esr')!)],
  ['Chromium', lacks('chromium', 'xtigervnc', 'xsetroot', 'xev'), () => openChromium(which('chromium')!)],
];

describe.each(BROWSERS)('noVNC in %s', (_name, isMissing, open) => {
  test.skipIf(isMissing)(
    'shows the screen, acts with the right to alone, and asks nobody else',
    { timeout: STARTED },
    async () => {
      const screen = scope.use(await startTiger(PASSWORD));
      const browser = scope.use(await open());
      const origin = `http://127.0.0.1:${gateway.port}`;
      const look = async (rights: 'control' | 'view'): Promise<{ x: number; y: number }> => {
        await browser.goto('about:blank');
        await browser.goto(`${origin}/vnc/s1#token=${await gateway.token({ ...screen, rights })}`);
        await expect.poll(() => browser.evaluate(STATE), POLLED).toBe('connected');
        await expect.poll(() => browser.evaluate(PIXEL), POLLED).toBe(BLUE);
        const [x, y] = String(await browser.evaluate(PLACE))
          .split(',')
          .map(Number);
        return { x: x!, y: y! };
      };
      await browser.act('a', await look('view'));
      await new Promise((resolve) => setTimeout(resolve, 700)); // through gateway and server to the window
      expect(screen.input()).toEqual([]);

      const middle = await look('control');
      const act = (): Promise<readonly string[]> => browser.act('a', middle).then(() => screen.input());
      await expect.poll(act, POLLED).toEqual(expect.arrayContaining(['ButtonPress', 'KeyPress']));
      expect(await browser.evaluate('location.href')).toBe(`${origin}/vnc/s1`);
      expect(new Set(String(await browser.evaluate(RESOURCES)).split(' '))).toEqual(new Set([origin]));
      expect(browser.said).toEqual([]);
    },
  );
});

describe('a client library', () => {
  const seen = async (folder: string, program: string, ...args: string[]): Promise<unknown> =>
    JSON.parse((await execa(program, args, { cwd: join(FIXTURES, folder) })).stdout);
  const want = { subprotocol: 'binary', security: expect.anything(), width: 320, height: 240, pixel: BLUE };
  const isMissing = lacks('xtigervnc', 'xsetroot', 'xev');
  const socketUrl = async (screen: Screen): Promise<string> =>
    `ws://127.0.0.1:${gateway.port}/websockify?token=${await gateway.token({ ...screen, rights: 'view' })}`;

  test.skipIf(isMissing || lacks('go'))('in Go (coder/websocket) sees the screen', { timeout: 240_000 }, async () => {
    const screen = scope.use(await startTiger(PASSWORD));
    expect(await seen('go', 'go', 'run', '.', await socketUrl(screen))).toMatchObject(want);
  });

  test.skipIf(isMissing || lacks('websocketsOfPython'))(
    'in Python (websockets) sees the screen',
    { timeout: STARTED },
    async () => {
      const screen = scope.use(await startTiger(PASSWORD));
      const url = await socketUrl(screen);
      expect(await seen('python', DEBIAN_PYTHON, 'viewer.py', 'websockets', url)).toMatchObject({
        ...want,
        close: 1000,
      });
    },
  );

  test.skipIf(isMissing || lacks('websockifyOfPython'))(
    'of websockify, which sends no query, gets through the handshake by an open identity',
    { timeout: STARTED },
    async () => {
      const screen = scope.use(await startTiger(PASSWORD));
      const entry = { host: '127.0.0.1', port: screen.port, password_file: screen.passwordFile };
      const open = scope.use(await startGatewayProcess({ VNC_MAP_JSON: JSON.stringify({ screen: entry }) }));
      const url = `ws://127.0.0.1:${open.port}/vnc/screen/websockify`;
      expect(await seen('python', DEBIAN_PYTHON, 'viewer.py', 'websockify', url)).toEqual({ subprotocol: 'binary' });
    },
  );
});

test.skipIf(lacks('xtigervnc', 'tigervncviewer', 'xsetroot', 'xev'))(
  'TigerVNC’s viewer shows the test card that a runner serves, with its password',
  { timeout: STARTED },
  async () => {
    const card = scope.use(await startCard('still'));
    const desktop = scope.use(await startTiger('', '1280x720'));
    startTigerViewer(scope, desktop.display, card.port);
    using looking = await watch(gateway, desktop, 'view');
    for (const swatch of CARD_SWATCHES)
      await expect.poll(() => looking.colour(swatch), POLLED).toBe(swatch.rgb.join(','));
  },
);
