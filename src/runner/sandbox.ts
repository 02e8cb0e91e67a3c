import { existsSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { execa } from 'execa';
import { findProgram } from '../processes/index.js';
import type { BrowserSetting } from '../settings/index.js';

/** How far a browser keeps its pages from everything else here. */
export interface Sandbox {
  /** `reduced`: pages are held by filters of system calls alone. `off`: whoever takes a page over has what the browser has. */
  readonly state: 'on' | 'reduced' | 'off';
  readonly because: string;
}

/** What this host lets a browser do for its own sandbox. */
export interface Confinement {
  readonly isRoot: boolean;
  /** Whether namespaces of one's own can be made; in words why not; undefined where nobody knows. */
  readonly namespaces: true | string | undefined;
  /** Whether the setuid helper of a Chromium can make them for it. */
  readonly hasHelper: (program: string) => boolean;
}

const CHROMIUM = /chrom(e|ium)/;
const FIREFOX = /firefox|camoufox/;
const TRY_MS = 5_000;
/** What the sandboxes of browsers do: namespaces of user, processes and network, and another root inside. */
const TRY = ['--user', '--map-root-user', '--pid', '--net', '--fork', 'chroot', '/', 'true'];

/** Whether the program of a command line is a Chromium. */
export function isChromium(command: readonly string[]): boolean {
  return CHROMIUM.test(basename(command[0] ?? ''));
}

/** The sandbox of a browser on this host; undefined where it is not known: other programs, Playwright servers. */
export function sandboxOf({ command, playwright }: BrowserSetting, host: Confinement): Sandbox | undefined {
  const { namespaces } = host;
  const [program = ''] = command;
  if (playwright) return undefined;
  if (isChromium(command)) {
    if (host.isRoot) return { state: 'off', because: 'the runner runs as root' };
    if (host.hasHelper(program)) return { state: 'on', because: 'its setuid helper makes the namespaces' };
    if (typeof namespaces === 'string') return { state: 'off', because: namespaces };
  } else if (FIREFOX.test(basename(program))) {
    if (typeof namespaces === 'string') return { state: 'reduced', because: namespaces };
  } else return undefined;
  return namespaces && { state: 'on', because: 'it makes namespaces of its own' };
}

/** Tries what browsers will try. */
export async function confinement(path: string, isRoot: boolean): Promise<Confinement> {
  return { isRoot, namespaces: await tryNamespaces(path), hasHelper };
}

async function tryNamespaces(path: string): Promise<true | string | undefined> {
  const unshare = findProgram('unshare', path);
  if (unshare === undefined || isJudgedByProgram()) return undefined;
  const env = { PATH: path, LC_ALL: 'C' };
  const tried = await execa(unshare, TRY, { env, extendEnv: false, stdin: 'ignore', reject: false, timeout: TRY_MS });
  if (!tried.failed) return true;
  return tried.timedOut ? undefined : `no user namespace can be made here (${tried.stderr.split('\n')[0]})`;
}

/** AppArmor may let a browser do what it forbids to others: then a try of ours tells nothing. */
function isJudgedByProgram(): boolean {
  const restricts = textOf('/proc/sys/kernel/apparmor_restrict_unprivileged_userns') === '1';
  return restricts && textOf('/proc/self/attr/current') === 'unconfined';
}

/** A setuid program is worth something only to those who may still gain rights. */
function hasHelper(program: string): boolean {
  if (/^NoNewPrivs:\s*1$/m.test(textOf('/proc/self/status'))) return false;
  return [dirname(program), '/usr/lib/chromium', '/opt/google/chrome']
    .map((folder) => join(folder, 'chrome-sandbox'))
    .some((file) => existsSync(file) && isSetuidRoot(file));
}

function isSetuidRoot(file: string): boolean {
  const { uid, mode } = statSync(file);
  return uid === 0 && (mode & 0o4000) !== 0;
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return ''; // a system without it restricts nothing
  }
}
