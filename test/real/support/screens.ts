import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { answerChallenge } from '../../../src/rfb/index.ts';
import { which } from '../../support/components.ts';

export const PASSWORD = 'canarypw';
/** What the root window of a screen is painted with. */
export const BLUE = '34,102,170';
/** Where nothing but the root window is, and a place inside the window that tells of input. */
export const BARE = { x: 5, y: 5 };
export const INSIDE = { x: 160, y: 120 };

/** An RFB server on an X display, with a window that tells which input reaches it. */
export interface Screen extends AsyncDisposable {
  readonly port: number;
  readonly display: string;
  /** Empty: it asks for none. */
  readonly password: string;
  /** The same as a line in a file. */
  readonly passwordFile: string;
  /** Names of X events that the window was sent by input so far: `KeyPress`, `ButtonPress`, `MotionNotify`. */
  input(): readonly string[];
  /** The text that came as clipboard, where the server keeps it in the cut buffer. */
  clipboard(): string;
  run(program: string, ...args: string[]): void;
}

/** The password file of the X programs: DES under a key that is no secret. */
function writePassword(file: string): string {
  const text = Buffer.alloc(16);
  text.write(PASSWORD, 'latin1');
  const key = Buffer.from([23, 82, 107, 6, 35, 78, 88, 7]).toString('latin1');
  writeFileSync(file, answerChallenge(text, key).subarray(0, 8), { mode: 0o600 });
  return file;
}

/** TigerVNC's server: display and RFB in one. */
export async function startTiger(password: string, geometry = '320x240'): Promise<Screen> {
  const scope = folderScope();
  const port = randomInt(20_000, 32_000);
  const security = password === '' ? ['None'] : ['VncAuth', '-PasswordFile', writePassword(join(scope.folder, 'pw'))];
  const options = ['-localhost', '-geometry', geometry, '-depth', '24', '-noreset', '-SecurityTypes', ...security];
  const display = await startDisplay(scope, 'Xtigervnc', ['-rfbport', String(port), ...options]);
  return screenOf(scope, { display, port, password });
}

/** x11vnc on Xvfb. */
export async function startX11vnc(password: string): Promise<Screen> {
  const scope = folderScope();
  const port = randomInt(20_000, 32_000);
  const display = await startDisplay(scope, 'Xvfb', ['-screen', '0', '320x240x24', '-nolisten', 'tcp', '-noreset']);
  const passwords = join(scope.folder, 'pw');
  writeFileSync(passwords, password, { mode: 0o600 });
  const security = password === '' ? ['-nopw'] : ['-passwdfile', passwords];
  const options = ['-localhost', '-no6', '-forever', '-shared', '-noxdamage', '-quiet', ...security];
  const x11vnc = spawn(which('x11vnc')!, ['-display', display, '-rfbport', String(port), ...options], {
    stdio: 'ignore',
  });
  scope.defer(() => kill(x11vnc));
  return screenOf(scope, { display, port, password });
}

/** TigerVNC's viewer, full screen on a display of its own, against a server on loopback. */
export function startTigerViewer(scope: AsyncDisposableStack, display: string, port: number): void {
  const home = folderScope();
  const options = ['-FullScreen=1', '-PasswordFile', writePassword(join(home.folder, 'pw'))];
  const viewer = spawn(which('xtigervncviewer')!, [...options, `127.0.0.1::${port}`], {
    env: { ...process.env, DISPLAY: display, HOME: home.folder },
    stdio: 'ignore',
  });
  home.defer(() => kill(viewer));
  scope.use(home);
}

async function startDisplay(scope: AsyncDisposableStack, program: string, args: readonly string[]): Promise<string> {
  const server = spawn(which(program)!, ['-displayfd', '3', ...args], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  });
  scope.defer(() => kill(server));
  const [number] = (await once(server.stdio[3] as Readable, 'data')) as [Buffer];
  return `:${number.toString().trim()}`;
}

async function screenOf(
  scope: FolderScope,
  { display, port, password }: Pick<Screen, 'display' | 'port' | 'password'>,
): Promise<Screen> {
  const env = { ...process.env, DISPLAY: display };
  const run = (program: string, ...args: string[]): void => void execFileSync(program, args, { env, stdio: 'ignore' });
  run('xsetroot', '-solid', '#2266aa');
  const xev = spawn('xev', ['-geometry', '200x150+80+60'], { env, stdio: ['ignore', 'pipe', 'ignore'] });
  scope.defer(() => kill(xev));
  const passwordFile = join(scope.folder, 'password.txt');
  writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 });
  let told = '';
  xev.stdout.on('data', (bytes: Buffer) => (told += bytes.toString()));
  await polled(() => told.includes('Expose event'), 'a window on the display');
  await polled(() => answers(port), 'an RFB server');
  return {
    display,
    port,
    password,
    passwordFile,
    run,
    input: () => [...told.matchAll(/^(KeyPress|ButtonPress|MotionNotify) event/gm)].map((match) => match[1]!),
    clipboard: () => execFileSync('xprop', ['-root', 'CUT_BUFFER0'], { env }).toString(),
    [Symbol.asyncDispose]: () => scope.disposeAsync(),
  };
}

type FolderScope = AsyncDisposableStack & { readonly folder: string };

function folderScope(): FolderScope {
  const folder = mkdtempSync(join(tmpdir(), 'camofleet-screen-'));
  const scope = new AsyncDisposableStack();
  scope.defer(() => rmSync(folder, { recursive: true, force: true }));
  return Object.assign(scope, { folder });
}

async function answers(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  const is = await new Promise<boolean>((resolve) => {
    socket.once('data', () => resolve(true));
    socket.once('error', () => resolve(false));
  });
  socket.destroy();
  return is;
}

async function polled(is: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const until = Date.now() + 20_000;
  while (!(await is())) {
    if (Date.now() > until) throw new Error(`${what} was awaited`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const force = setTimeout(() => child.kill('SIGKILL'), 3_000);
  await ended;
  clearTimeout(force);
}
