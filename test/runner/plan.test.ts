import { describe, expect, test } from 'vitest';
import type { CreateSession } from '../../src/api/index.ts';
import { browserArgv } from '../../src/runner/browser.ts';
import { idleBecause } from '../../src/runner/idle.ts';
import { legacyUrls } from '../../src/runner/legacy-urls.ts';
import { type Installed, type SessionPlan, planSession, usableBrowsers } from '../../src/runner/plan.ts';
import { isChromium } from '../../src/runner/sandbox.ts';
import { fits, missingPlans } from '../../src/runner/prewarm.ts';
import { establishedPorts } from '../../src/runner/rfb-connections.ts';
import { runnerSettings } from '../../src/settings/index.ts';

const CHROMIUM = { command: ['/usr/bin/chromium', '--user-data-dir={profile}', '{url}'], playwright: false };
const FIREFOX = { command: ['/usr/bin/firefox', '{url}'], playwright: false };
const SERVER = { command: ['/usr/bin/camoufox-js', 'server'], playwright: true };
const ALL: Installed = {
  displays: true,
  browsers: new Map([
    ['chromium', CHROMIUM],
    ['firefox', FIREFOX],
    ['camoufox', SERVER],
  ]),
};
const NOTHING: Installed = { displays: false, browsers: new Map() };

function plan(request: CreateSession, env: Record<string, string> = {}, installed = ALL): SessionPlan {
  return planSession(request, runnerSettings.load({ env, knownNames: [] }), installed);
}

describe('a session is planned', () => {
  test.each<[string, CreateSession, Record<string, string>, Installed, Partial<SessionPlan>]>([
    ['the first browser that is installed', {}, {}, ALL, { browser: 'chromium', kind: 'display', program: CHROMIUM }],
    ['a test card where there is no display', {}, {}, NOTHING, { browser: 'testcard', kind: 'testcard' }],
    ['the default browser', {}, { CAMOFLEET_RUNNER_DEFAULT_BROWSER: 'firefox' }, ALL, { browser: 'firefox' }],
    ['the browser that is asked for', { browser: 'firefox' }, {}, ALL, { program: FIREFOX, picture: true }],
    ['a display without a browser', { browser: 'none' }, {}, ALL, { kind: 'display', program: undefined }],
    ['no picture when headless', { headless: true }, {}, ALL, { headless: true, picture: false }],
    ['a picture when headless and asked for', { headless: true, vnc: true }, {}, ALL, { picture: true }],
    ['no picture when none is wanted', { vnc: false }, {}, ALL, { headless: false, picture: false }],
    ['a card always with its picture', { browser: 'testcard', headless: true }, {}, ALL, { picture: true }],
    [
      'the default start page',
      {},
      { RUNNER_SESSION_DEFAULTS__START_URL: 'https://a.example' },
      ALL,
      {
        startUrl: 'https://a.example/',
      },
    ],
    [
      'the start page that is asked for',
      { start_url: 'http://b.example/x?y#z' },
      {},
      ALL,
      {
        startUrl: 'http://b.example/x?y#z',
      },
    ],
    ['the default for an empty start page', { start_url: '' }, {}, ALL, { startUrl: 'about:blank' }],
    [
      'the wait of the settings',
      {},
      { RUNNER_START_URL_WAIT: 'domcontentloaded' },
      ALL,
      {
        startUrlWait: 'domcontentloaded',
      },
    ],
    ['the wait that is asked for', { start_url_wait: 'none' }, {}, ALL, { startUrlWait: 'none' }],
    [
      'no wait where the browser does not tell',
      { browser: 'firefox', start_url_wait: 'load' },
      {},
      ALL,
      {
        startUrlWait: 'none',
      },
    ],
    [
      'no wait for a Playwright server',
      { browser: 'camoufox', start_url_wait: 'load' },
      {},
      ALL,
      {
        startUrlWait: 'none',
      },
    ],
    [
      'the idle TTL of the settings',
      {},
      { RUNNER_SESSION_DEFAULTS__IDLE_TTL_SECONDS: '7' },
      ALL,
      {
        idleTtlSeconds: 7,
      },
    ],
    ['the idle TTL that is asked for', { idle_ttl_seconds: 0 }, {}, ALL, { idleTtlSeconds: 0 }],
    ['8K', { resolution: '7680x4320x24' }, {}, ALL, { resolution: '7680x4320x24' }],
  ])('with %s', (_name, request, env, installed, wanted) => {
    expect(plan(request, env, installed)).toMatchObject(wanted);
  });

  test.each<[string, CreateSession, Installed, string, string]>([
    ['an unknown browser', { browser: 'firefax' }, ALL, 'CF_USAGE', 'did you mean firefox?'],
    ['a name of an object', { browser: 'constructor' }, ALL, 'CF_USAGE', '"constructor"'],
    ['a display where there is none', { browser: 'none' }, NOTHING, 'CF_COMPONENT_MISSING', 'Xvfb or x11vnc'],
    ['an option as start page', { start_url: '--no-sandbox' }, ALL, 'CF_USAGE', '--no-sandbox'],
    ['a script as start page', { start_url: 'javascript:alert(1)' }, ALL, 'CF_USAGE', 'javascript'],
    ['a page of the browser itself', { start_url: 'chrome://settings' }, ALL, 'CF_USAGE', 'chrome://settings'],
    ['a file as start page', { start_url: 'FILE:///etc/shadow' }, ALL, 'CF_USAGE', 'FILE'],
    ['one pixel too many', { resolution: '7681x4320x24' }, ALL, 'CF_USAGE', '7681x4320x24'],
    ['no pixels', { resolution: '00x4320x24' }, ALL, 'CF_USAGE', '00x4320x24'],
  ])('and refused with %s', (_name, request, installed, code, words) => {
    expect(() => plan(request, {}, installed)).toThrow(expect.objectContaining({ code }));
    expect(() => plan(request, {}, installed)).toThrow(words);
  });

  test('what can be had is listed', () => {
    expect(usableBrowsers(ALL)).toEqual(['testcard', 'testcard-still', 'none', 'chromium', 'firefox', 'camoufox']);
    expect(usableBrowsers({ ...ALL, displays: false })).toEqual(['testcard', 'testcard-still']);
  });
});

describe('a command line', () => {
  const filling = { profile: '/p', sandbox: true, pipe: false };

  test('is filled in, and what is filled in is not looked at again', () => {
    const program = { command: ['/b', '--dir={profile}', '{url}', '{width}x{height}', '{other}'], playwright: false };
    const startUrl = "https://a.example/?$&=$'&{profile}={width}";
    expect(browserArgv({ program, startUrl, resolution: '800x600x24' }, filling)).toEqual([
      ...['/b', '--dir=/p', startUrl, '800x600', '{other}'],
    ]);
  });

  test('has the options of a Chromium first', () => {
    const wanted = { program: CHROMIUM, startUrl: 'about:blank', resolution: '800x600x24' };
    expect(browserArgv(wanted, { profile: '/p', sandbox: false, pipe: true })).toEqual([
      ...['/usr/bin/chromium', '--no-sandbox', '--remote-debugging-pipe', '--user-data-dir=/p', 'about:blank'],
    ]);
  });

  test.each([
    ['/usr/bin/chromium', true],
    ['/usr/bin/chromium-browser', true],
    ['/opt/google/google-chrome-stable', true],
    ['/opt/chromium/firefox', false],
    ['/usr/bin/firefox-esr', false],
  ])('%s is a Chromium: %j', (file, is) => {
    expect(isChromium([file])).toBe(is);
  });
});

describe('prewarmed sessions', () => {
  const [shown, headless] = [plan({}), plan({ headless: true })];

  test.each<[string, SessionPlan[], SessionPlan[], number, SessionPlan[]]>([
    ['none', [], [], 9, []],
    ['all', [shown, shown, headless], [], 9, [shown, shown, headless]],
    ['one of each kind', [shown, shown, headless, headless], [headless, shown], 9, [shown, headless]],
    ['as many as there is room for', [shown, shown, headless], [], 2, [shown, shown]],
    ['none without room', [shown], [], -1, []],
    ['none when there are more than are wanted', [shown], [shown, shown], 9, []],
  ])('are missing: %s', (_name, wanted, have, room, missing) => {
    expect(missingPlans(wanted, have, room)).toEqual(missing);
  });

  test.each<[string, CreateSession, boolean]>([
    ['labels and TTL of its own', { labels: { a: 'b' }, idle_ttl_seconds: 1 }, true],
    ['another start page', { start_url: 'https://a.example' }, false],
    ['another size', { resolution: '800x600x24' }, false],
    ['no picture', { vnc: false }, false],
    ['another browser', { browser: 'firefox' }, false],
  ])('fit a request for %s: %j', (_name, request, fitting) => {
    expect(fits(shown, plan(request))).toBe(fitting);
  });
});

test.each([
  ['', 'https://v.example', null],
  ['wss://v.example', '', null],
  [
    'wss://v.example/base//',
    'https://v.example/base/',
    {
      ws: 'wss://v.example/base/websockify?token=6901',
      http: 'https://v.example/base/vnc/6901',
      password_protected: true,
    },
  ],
])('URLs below %j and %j', (ws, http, urls) => {
  expect(legacyUrls({ ws, http }, 6901)).toEqual(urls);
});

test('open connections are read from the table of the kernel', () => {
  const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:170C 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 96931 1 0 100 0 0 10 0
   1: 0100007F:170C 0100007F:A001 01 00000000:00000000 00:00000000 00000000     0        0 96932 1 0 20 4 30 10 -1
   2: 0100007F:A001 0100007F:170C 01 00000000:00000000 00:00000000 00000000     0        0 96933 1 0 20 4 30 10 -1
   3: 0100007F:170C 0100007F:A002 08 00000000:00000000 00:00000000 00000000     0        0 96934 1 0 20 4 30 10 -1
garbage
`;
  expect(establishedPorts(table)).toEqual([0x170c, 0xa001]);
  expect(establishedPorts('')).toEqual([]);
});

test.each([
  ['used a moment ago', 60, true, 0, 60_000, undefined],
  ['unused for longer than its TTL', 60, true, 0, 60_001, 'idle for 60 s'],
  ['of a TTL of 0', 0, true, 0, 1e12, undefined],
  ['viewed', 60, true, 1, 43_200_000, undefined],
  ['viewed, with control silent for half a day', 60, true, 1, 43_200_001, 'viewed, but not heard of for 43200 s'],
  ['viewed, of a longer TTL', 100_000, true, 1, 43_200_001, undefined],
  ['without a picture, whose port has a connection', 60, false, 1, 60_001, 'idle for 60 s'],
])('a session %s', (_name, idleTtlSeconds, picture, connections, unusedMs, because) => {
  const usage = { plan: { idleTtlSeconds, picture }, lastSeenAt: 1_000, connections };
  expect(idleBecause(usage, 1_000 + unusedMs)).toBe(because);
});
