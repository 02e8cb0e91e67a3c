import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type RunningProcess, startProcess, waitUntilReady } from '../processes/index.js';
import { ChildrenFile } from './children.js';
import { rfbAnswers } from './readiness.js';
import type { Slot } from './slots.js';
import { type XDisplays, answers } from './x-locks.js';
import { processStopped } from './events.js';

/** The programs a real display needs, as absolute paths. */
export interface DisplayPrograms {
  readonly xvfb: string;
  readonly x11vnc: string;
  /** Ties a child's life to ours in the kernel; absent where the system has none. */
  readonly setpriv: string | undefined;
}

export interface DisplayDeps {
  readonly programs: DisplayPrograms;
  readonly displays: XDisplays;
  readonly children: ChildrenFile;
  /** PATH for the children. */
  readonly path: string;
  readonly stopGraceMs: number;
}

export interface DisplaySpec {
  readonly session: string;
  readonly slot: Slot;
  /** Folder of this session, mode 0700. */
  readonly folder: string;
  /** `1920x1080x24` */
  readonly resolution: string;
  /** Undefined: no picture is served. */
  readonly rfb: { readonly host: string; readonly password: string } | undefined;
  readonly timeoutMs: number;
  /** Called once when Xvfb or x11vnc ends by itself. */
  readonly onDeath: (what: string) => void;
}

export interface Display extends AsyncDisposable {
  readonly number: number;
  /** What an X client needs to draw on it: DISPLAY and XAUTHORITY. */
  readonly env: Readonly<Record<string, string>>;
}

/** Xvfb, then x11vnc, owned together: released in reverse, and the death of either is told once. */
export async function startDisplay(spec: DisplaySpec, deps: DisplayDeps, signal: AbortSignal): Promise<Display> {
  await using scope = new AsyncDisposableStack();
  const name = `:${spec.slot.display}`;
  const cookieFile = join(spec.folder, 'Xauthority');
  await writeFile(cookieFile, xauthority(String(spec.slot.display)), { mode: 0o600 });
  const env = {
    PATH: deps.path,
    HOME: spec.folder,
    TMPDIR: spec.folder,
    LANG: 'C.UTF-8',
    DISPLAY: name,
    XAUTHORITY: cookieFile,
  };
  const state = { ending: false };
  scope.defer(() => deps.displays.remove(spec.slot.display));

  const xvfb = await startProcess({
    name: `Xvfb ${name}`,
    file: deps.programs.xvfb,
    args: [name, '-screen', '0', spec.resolution, '-auth', cookieFile, '-nolisten', 'tcp', '-noreset'],
    env,
    logFile: join(spec.folder, 'xvfb.log'),
    setpriv: deps.programs.setpriv,
  });
  await own(scope, xvfb, spec, deps, state);
  await waitUntilReady(
    xvfb,
    async () => (await answers(deps.displays.socketPath(spec.slot.display))) || 'its socket does not answer',
    { timeoutMs: spec.timeoutMs, signal, everyMs: 20 },
  );

  if (spec.rfb) await startX11vnc(scope, { ...spec, rfb: spec.rfb }, deps, { env, state, signal });

  scope.defer(() => void (state.ending = true));
  const owner = scope.move();
  return { number: spec.slot.display, env, [Symbol.asyncDispose]: () => owner.disposeAsync() };
}

async function startX11vnc(
  scope: AsyncDisposableStack,
  spec: DisplaySpec & { readonly rfb: { readonly host: string; readonly password: string } },
  deps: DisplayDeps,
  { env, state, signal }: { env: Record<string, string>; state: { ending: boolean }; signal: AbortSignal },
): Promise<void> {
  const { host, password } = spec.rfb;
  const { rfbPort, display } = spec.slot;
  const passwordFile = join(spec.folder, 'rfb-password');
  await writeFile(passwordFile, `${password}\n`, { mode: 0o600 });
  const x11vnc = await startProcess({
    name: `x11vnc on :${display}`,
    file: deps.programs.x11vnc,
    args: [
      ...['-display', `:${display}`, '-auth', env['XAUTHORITY']!, '-rfbport', String(rfbPort), '-listen', host],
      // `rm:` has x11vnc remove the file once it is read: the password then lives in memory alone.
      ...[
        '-passwdfile',
        `rm:${passwordFile}`,
        '-forever',
        '-shared',
        '-noremote',
        '-norc',
        '-no6',
        '-nolookup',
        '-quiet',
      ],
    ],
    env,
    logFile: join(spec.folder, 'x11vnc.log'),
    setpriv: deps.programs.setpriv,
  });
  await own(scope, x11vnc, spec, deps, state);
  await waitUntilReady(x11vnc, () => rfbAnswers(host, rfbPort, password), { timeoutMs: spec.timeoutMs, signal });
}

/** Makes a process part of a scope: recorded, watched, and stopped with its report. */
export async function own(
  scope: AsyncDisposableStack,
  child: RunningProcess,
  spec: { readonly session: string; readonly onDeath: (what: string) => void; readonly slot?: Slot },
  deps: { readonly children: ChildrenFile; readonly stopGraceMs: number },
  state: { ending: boolean },
): Promise<void> {
  scope.defer(async () => {
    const { how, tookMs } = await child.stop(deps.stopGraceMs);
    await deps.children.remove(child.identity);
    processStopped.publish({ session: spec.session, what: child.name, how, tookMs });
  });
  await deps.children.add(child.name, child.identity, spec.slot?.display);
  void child.exited.then(({ code, signal }) => {
    if (!state.ending) spec.onDeath(`${child.name} ${signal ? `was ended by ${signal}` : `exited with code ${code}`}`);
  });
}

/** Makes the folder of a session, private to us. */
export async function makeFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 });
}

const FAMILY_WILD = 0xffff;
const COOKIE_NAME = 'MIT-MAGIC-COOKIE-1';
const COOKIE_LENGTH = 16;

/** An Xauthority file with one random cookie that is good for a display under any host name (Xsecurity(7)). */
function xauthority(display: string): Buffer {
  const counted = (bytes: Buffer): Buffer => {
    const length = Buffer.alloc(2);
    length.writeUInt16BE(bytes.length);
    return Buffer.concat([length, bytes]);
  };
  const family = Buffer.alloc(2);
  family.writeUInt16BE(FAMILY_WILD);
  const fields = [Buffer.alloc(0), Buffer.from(display), Buffer.from(COOKIE_NAME), randomBytes(COOKIE_LENGTH)];
  return Buffer.concat([family, ...fields.map(counted)]);
}
