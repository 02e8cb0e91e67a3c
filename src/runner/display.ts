import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { isIPv6 } from 'node:net';
import { join } from 'node:path';
import { type OwnDeps, type Owner, type Startup, readyOwned, startOwned } from './owned-process.js';
import { rfbAnswers } from './readiness.js';
import type { Slot } from './slots.js';
import type { SessionFolder } from './state-folder.js';
import { type XDisplays, answers } from './x-locks.js';
import { showsWindow } from './x-windows.js';
import { COOKIE_LENGTH, xauthority } from './xauthority.js';

export interface DisplayDeps extends OwnDeps {
  /** The programs a real display needs, as absolute paths. */
  readonly programs: { readonly xvfb: string; readonly x11vnc: string };
  readonly displays: XDisplays;
  /** PATH for the children. */
  readonly path: string;
}

export interface DisplaySpec {
  readonly owner: Owner;
  readonly slot: Slot;
  readonly folder: SessionFolder;
  /** `1920x1080x24` */
  readonly resolution: string;
  /** Undefined: no picture is served. */
  readonly rfb: { readonly host: string; readonly password: string } | undefined;
}

export interface Display {
  /** What an X client needs to draw on it, and nothing else of ours. */
  readonly env: Readonly<Record<string, string>>;
  /** Whether a program has put a window on it. */
  showsWindow(signal: AbortSignal): Promise<boolean>;
}

/** Xvfb, then x11vnc, as parts of a scope that releases them in reverse. */
export async function startDisplay(
  scope: AsyncDisposableStack,
  spec: DisplaySpec,
  deps: DisplayDeps,
  startup: Startup,
): Promise<Display> {
  const { display } = spec.slot;
  const cookie = randomBytes(COOKIE_LENGTH);
  const cookieFile = join(spec.folder.path, 'Xauthority');
  await writeFile(cookieFile, xauthority(display, cookie), { mode: 0o600 });
  const env = {
    PATH: deps.path,
    HOME: spec.folder.path,
    TMPDIR: spec.folder.temporary,
    LANG: 'C.UTF-8',
    DISPLAY: `:${display}`,
    XAUTHORITY: cookieFile,
  };
  const socket = deps.displays.socketPath(display);
  scope.defer(async () => void (await deps.displays.holder(display))); // removes what a killed Xvfb left, not a stranger's
  const xvfb = await startOwned(
    scope,
    {
      name: `Xvfb :${display}`,
      file: deps.programs.xvfb,
      args: [`:${display}`, '-screen', '0', spec.resolution, '-auth', cookieFile, '-nolisten', 'tcp', '-noreset'],
      env,
      logFile: join(spec.folder.path, 'xvfb.log'),
      display,
    },
    spec.owner,
    deps,
  );
  await readyOwned(xvfb, async () => (await answers(socket)) || 'its socket does not answer', startup);
  if (spec.rfb) await startX11vnc(scope, { ...spec, rfb: spec.rfb }, env, deps, startup);
  return { env, showsWindow: (signal) => showsWindow(socket, cookie, signal) };
}

async function startX11vnc(
  scope: AsyncDisposableStack,
  spec: DisplaySpec & { readonly rfb: { readonly host: string; readonly password: string } },
  env: Readonly<Record<string, string>>,
  deps: DisplayDeps,
  startup: Startup,
): Promise<void> {
  const { host, password } = spec.rfb;
  const { rfbPort, display } = spec.slot;
  const passwordFile = join(spec.folder.path, 'rfb-password');
  await writeFile(passwordFile, `${password}\n`, { mode: 0o600 });
  const x11vnc = await startOwned(
    scope,
    {
      name: `x11vnc on :${display}`,
      file: deps.programs.x11vnc,
      args: [
        ...['-display', `:${display}`, '-auth', env['XAUTHORITY']!, '-rfbport', String(rfbPort), ...listenOn(host)],
        // `rm:` has x11vnc remove the file once it is read: the password then lives in memory alone.
        ...['-passwdfile', `rm:${passwordFile}`],
        ...['-forever', '-shared', '-noremote', '-norc', '-nolookup', '-quiet'],
      ],
      env,
      logFile: join(spec.folder.path, 'x11vnc.log'),
    },
    spec.owner,
    deps,
  );
  await readyOwned(x11vnc, (signal) => rfbAnswers(host, rfbPort, password, signal), startup);
}

/** x11vnc listens on both families unless it is told otherwise. */
function listenOn(host: string): readonly string[] {
  return isIPv6(host) ? ['-6', '-noipv4', '-listen6', host] : ['-no6', '-listen', host];
}
