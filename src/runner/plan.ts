import type { CreateSession } from '../api/index.js';
import { CamofleetError, nearest } from '../core/index.js';
import { type BrowserSetting, NO_BROWSER, type RunnerConfig, TEST_CARDS } from '../settings/index.js';
import { isChromium } from './sandbox.js';

/** What a session shall be, decided before anything starts. */
export interface SessionPlan {
  readonly kind: 'testcard' | 'display';
  /** As it is told: `testcard`, `testcard-still`, `none`, or the browser's name. */
  readonly browser: string;
  /** Undefined: no browser runs in it. Its program is an absolute path. */
  readonly program: BrowserSetting | undefined;
  readonly picture: boolean;
  readonly headless: boolean;
  readonly resolution: string;
  readonly startUrl: string;
  /** `none` also where the browser does not tell. */
  readonly startUrlWait: 'none' | 'domcontentloaded' | 'load';
  readonly idleTtlSeconds: number;
  readonly labels: Readonly<Record<string, string>>;
}

/** What this host can run. */
export interface Installed {
  /** Xvfb and x11vnc are there. */
  readonly displays: boolean;
  /** Configured browsers whose program is there, with its absolute path. */
  readonly browsers: ReadonlyMap<string, BrowserSetting>;
}

/** Every name that `POST /sessions` accepts here. */
export function usableBrowsers(installed: Installed): string[] {
  return [...TEST_CARDS, ...(installed.displays ? [NO_BROWSER, ...installed.browsers.keys()] : [])];
}

/** Decides what a request asks for; throws CF_USAGE or CF_COMPONENT_MISSING with what can be had. */
export function planSession(request: CreateSession, config: RunnerConfig, installed: Installed): SessionPlan {
  const browser = request.browser ?? defaultBrowser(config, installed);
  const card = TEST_CARDS.some((name) => name === browser);
  if (!card) checkBrowser(browser, config, installed);
  const headless = request.headless ?? config.headless;
  const program = installed.browsers.get(browser);
  const opensPage = program?.command.some((part) => part.includes('{url}')) ?? false;
  const tells = opensPage && isChromium(program?.command ?? []);
  return {
    kind: card ? 'testcard' : 'display',
    browser,
    program,
    picture: card || (request.vnc ?? !headless),
    headless: card ? false : headless,
    resolution: checkedResolution(request.resolution ?? config.resolution),
    startUrl: checkedStartUrl(request.start_url || config.startUrl),
    startUrlWait: tells ? (request.start_url_wait ?? config.startUrlWait) : 'none',
    idleTtlSeconds: request.idle_ttl_seconds ?? config.idleTtlSeconds,
    labels: request.labels ?? {},
  };
}

/** The most pixels of a display: 8K. Xvfb keeps 4 bytes for each. */
const MAX_PIXELS = 7680 * 4320;

function checkedResolution(resolution: string): string {
  const [width = 0, height = 0] = resolution.split('x').map(Number);
  if (width * height > 0 && width * height <= MAX_PIXELS) return resolution;
  throw new CamofleetError('CF_USAGE', `a resolution of at most ${MAX_PIXELS} pixels is wanted, got ${resolution}`);
}

/** Pages that a caller may have opened: no file of this host, and nothing that a browser takes for an option. */
const START_PROTOCOLS = ['http:', 'https:', 'about:', 'data:'];

function checkedStartUrl(text: string): string {
  const url = URL.parse(text);
  if (url && START_PROTOCOLS.includes(url.protocol)) return url.href;
  const wanted = START_PROTOCOLS.join(', ');
  throw new CamofleetError('CF_USAGE', `start_url must be a URL with ${wanted}; got ${JSON.stringify(text)}`);
}

function defaultBrowser(config: RunnerConfig, installed: Installed): string {
  if (config.defaultBrowser !== '') return config.defaultBrowser;
  const [first] = installed.displays ? installed.browsers.keys() : [];
  return first ?? TEST_CARDS[0];
}

function checkBrowser(browser: string, config: RunnerConfig, installed: Installed): void {
  const usable = usableBrowsers(installed);
  if (usable.includes(browser)) return;
  if (config.browsers.has(browser) || browser === NO_BROWSER) {
    const what = installed.displays ? `the program of browser ${JSON.stringify(browser)}` : 'Xvfb or x11vnc';
    throw new CamofleetError('CF_COMPONENT_MISSING', `${what} is not installed here; usable: ${usable.join(', ')}`);
  }
  const close = nearest(browser, usable);
  throw new CamofleetError(
    'CF_USAGE',
    `no browser is called ${JSON.stringify(browser)}${close ? `; did you mean ${close}?` : ''} Usable: ${usable.join(', ')}`,
  );
}
