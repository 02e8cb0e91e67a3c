import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { CamofleetError } from '../core/index.js';
import { type RunningProcess, tailFile } from '../processes/index.js';
import type { Display, DisplayDeps } from './display.js';
import { browserLate, sandboxOff, sandboxReduced } from './events.js';
import { type Owner, type Startup, readyOwned, startOwned } from './owned-process.js';
import type { SessionPlan } from './plan.js';
import type { Sandbox } from './sandbox.js';
import { type Moment, StartPage } from './start-page.js';
import type { SessionFolder } from './state-folder.js';

export interface BrowserDeps extends DisplayDeps {
  /** What is known of browsers' sandboxes here, by name. */
  readonly sandboxes: ReadonlyMap<string, Sandbox>;
  /** Where a Playwright server finds the browsers that were installed for it. */
  readonly home: string;
}

interface BrowserSpec {
  readonly owner: Owner;
  readonly plan: SessionPlan;
  readonly folder: SessionFolder;
}

/** How much of a Playwright server's output is searched for its endpoint. */
const ENDPOINT_WITHIN_BYTES = 65_536;

export interface Browser {
  /** Where a Playwright client connects, if the browser is a Playwright server. */
  readonly wsEndpoint: string | null;
}

/** A configured browser on a display, in a profile of its own, as part of a scope. Ready when it shows itself. */
export async function startBrowser(
  scope: AsyncDisposableStack,
  spec: BrowserSpec,
  display: Display,
  deps: BrowserDeps,
  startup: Startup,
): Promise<Browser> {
  const { plan, owner, folder } = spec;
  const { playwright } = plan.program!;
  const profile = join(folder.path, 'profile');
  await mkdir(profile, { mode: 0o700 });
  const moment = plan.startUrlWait === 'none' || plan.startUrl === 'about:blank' ? undefined : plan.startUrlWait;
  const { state, because = '' } = deps.sandboxes.get(plan.browser) ?? {};
  const sandbox = state !== 'off';
  const said = state === 'off' ? sandboxOff : state === 'reduced' ? sandboxReduced : undefined;
  said?.publish({ session: owner.session, browser: plan.browser, because });
  const [file, ...args] = browserArgv(plan, { profile, sandbox, pipe: moment !== undefined });
  const child = await startOwned(
    scope,
    {
      name: `browser ${plan.browser}`,
      file: file!,
      args,
      env: { ...display.env, HOME: playwright ? deps.home : profile },
      logFile: join(folder.path, 'browser.log'),
      pipes: moment ? 2 : 0,
    },
    owner,
    deps,
  );
  if (playwright) return { wsEndpoint: await endpointOf(child, startup) };
  const page = moment && startPageOf(child, moment);
  const look = page ? async () => page.state !== 'waiting' || 'its start page is loading' : windowLook(display);
  await orLate(readyOwned(child, look, startup), spec);
  page?.leave();
  if (page?.state === 'unreachable') tellLate(spec, 'its start page cannot be reached');
  return { wsEndpoint: null };
}

/** The command line of a plan; text that is filled in is not looked at again. */
export function browserArgv(
  { program, startUrl: url, resolution }: Pick<SessionPlan, 'program' | 'startUrl' | 'resolution'>,
  { profile, sandbox, pipe }: { readonly profile: string; readonly sandbox: boolean; readonly pipe: boolean },
): string[] {
  const [width = '', height = ''] = resolution.split('x');
  const values: Readonly<Record<string, string>> = { profile, url, width, height };
  const [file, ...args] = (program?.command ?? []).map((part) =>
    part.replace(/\{(profile|url|width|height)\}/g, (_whole, name: string) => values[name]!),
  );
  return [file!, ...(sandbox ? [] : ['--no-sandbox']), ...(pipe ? ['--remote-debugging-pipe'] : []), ...args];
}

type Look = (signal: AbortSignal) => Promise<true | string>;

function windowLook(display: Display): Look {
  return async (signal) => (await display.showsWindow(signal)) || 'it shows no window';
}

function startPageOf(child: RunningProcess, moment: Moment): StartPage {
  const [toBrowser, fromBrowser] = child.pipes;
  return new StartPage(toBrowser!, fromBrowser!, moment);
}

/** A browser that is slow to show itself is handed out as it is, with a word in the log. */
async function orLate(shown: Promise<void>, spec: BrowserSpec): Promise<void> {
  try {
    await shown;
  } catch (error) {
    if (!(error instanceof CamofleetError) || error.code !== 'CF_SERVICE_NOT_READY') throw error;
    tellLate(spec, error.message.split('\n')[0]!); // not its last words: they may name the start page
  }
}

function tellLate({ owner, plan }: BrowserSpec, because: string): void {
  browserLate.publish({ session: owner.session, browser: plan.browser, because });
}

/** The first endpoint that a Playwright server prints. */
async function endpointOf(child: RunningProcess, startup: Startup): Promise<string> {
  let endpoint: string | undefined;
  const look: Look = async () => {
    endpoint = /(wss?:\/\/\S+)\s/.exec(await tailFile(child.logFile, ENDPOINT_WITHIN_BYTES))?.[1];
    return endpoint !== undefined || 'it has printed no ws:// endpoint';
  };
  await readyOwned(child, look, startup);
  return endpoint!;
}
