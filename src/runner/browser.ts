import { join } from 'node:path';
import { startProcess } from '../processes/index.js';
import { sandboxOff } from './events.js';
import { type Display, type DisplayDeps, makeFolder, own } from './display.js';

export interface BrowserSpec {
  readonly session: string;
  readonly name: string;
  /** Absolute path of the program and its arguments with {profile} and {url} still in them. */
  readonly command: readonly string[];
  readonly folder: string;
  readonly startUrl: string;
  readonly isRoot: boolean;
  readonly onDeath: (what: string) => void;
}

/** Chromium refuses its own sandbox to root. */
const CHROMIUM = /(chrom(e|ium))(-browser)?$/;

/** A configured browser on a display, in a profile of its own. */
export async function startBrowser(spec: BrowserSpec, display: Display, deps: DisplayDeps): Promise<AsyncDisposable> {
  await using scope = new AsyncDisposableStack();
  const profile = join(spec.folder, 'profile');
  await makeFolder(profile);
  const [file, ...args] = spec.command.map((part) =>
    part.replaceAll('{profile}', profile).replaceAll('{url}', spec.startUrl),
  );
  const noSandbox = spec.isRoot && CHROMIUM.test(file!);
  if (noSandbox) sandboxOff.publish({ session: spec.session, browser: spec.name, because: 'the runner runs as root' });
  const child = await startProcess({
    name: `browser ${spec.name}`,
    file: file!,
    args: noSandbox ? ['--no-sandbox', ...args] : args,
    env: { ...display.env, HOME: profile },
    logFile: join(spec.folder, 'browser.log'),
    setpriv: deps.programs.setpriv,
  });
  const state = { ending: false };
  await own(scope, child, spec, deps, state);
  scope.defer(() => void (state.ending = true));
  const owner = scope.move();
  return { [Symbol.asyncDispose]: () => owner.disposeAsync() };
}
