import type { CreateSession } from '../api/index.js';
import { CamofleetError, nearest } from '../core/index.js';
import { NO_BROWSER, type RunnerConfig, TEST_CARDS } from '../settings/index.js';

/** What a session shall be, decided before anything starts. */
export interface SessionPlan {
  readonly kind: 'testcard' | 'display';
  /** As it is told: `testcard`, `testcard-still`, `none`, or the browser's name. */
  readonly browser: string;
  /** Undefined: no browser runs in it. */
  readonly command: readonly string[] | undefined;
  readonly picture: boolean;
  readonly headless: boolean;
  readonly resolution: string;
  readonly startUrl: string;
  readonly startUrlWait: 'none' | 'domcontentloaded' | 'load';
  readonly idleTtlSeconds: number;
  readonly labels: Readonly<Record<string, string>>;
}

/** What this host can run. */
export interface Installed {
  /** Xvfb and x11vnc are there. */
  readonly displays: boolean;
  /** Configured browsers whose program is there: name → argv with an absolute program. */
  readonly browsers: ReadonlyMap<string, readonly string[]>;
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
  return {
    kind: card ? 'testcard' : 'display',
    browser,
    command: installed.browsers.get(browser),
    picture: card || (request.vnc ?? !headless),
    headless: card ? false : headless,
    resolution: request.resolution ?? config.resolution,
    startUrl: request.start_url ?? config.startUrl,
    startUrlWait: request.start_url_wait ?? config.startUrlWait,
    idleTtlSeconds: request.idle_ttl_seconds ?? config.idleTtlSeconds,
    labels: request.labels ?? {},
  };
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
