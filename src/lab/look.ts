import { mkdir, readFile, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { CamofleetError, redactText } from '../core/index.js';
import type { RunningProcess } from '../processes/index.js';
import type { Report } from '../report/index.js';
import type { Fault, Given, Variant } from './fault.js';
import { type Stage, type StageDeps, openStage } from './stage.js';

/** What verify said of a path, and all that it was given. */
export interface Look {
  /** Flags as they were typed, secrets hidden; the paths in them lie in the folder of the stage. */
  readonly flags: readonly string[];
  /** Files and folders among the flags, and the folder it ran in where that is a fleet's. */
  readonly files: readonly string[];
  readonly namespace: string | undefined;
  readonly report: Report;
  /** What it printed for people. */
  readonly output: string;
  readonly seconds: number;
}

/** The longest that a look may take. */
const LOOK_MS = 180_000;

/** Starts the path, has the built `camofleet verify` look at it from outside, and tears everything down. */
export async function look(fault: Fault, is: Variant, deps: StageDeps): Promise<Look> {
  await using stage = await openStage(deps);
  const given = await fault.start(stage, is);
  const bare = join(stage.folder, 'operator');
  await mkdir(bare);
  const out = join(bare, 'artifacts');
  const args = ['verify', ...given.flags, '--out', out];
  const started = performance.now();
  const verify = await stage.camofleet(args, {
    cwd: given.folder ?? bare,
    env: { NO_COLOR: '1' },
    namespace: given.namespace,
  });
  await ended(verify, given, stage);
  const seconds = Math.round((performance.now() - started) / 100) / 10;
  const output = await readFile(verify.logFile, 'utf8');
  return {
    flags: given.flags.map((flag) => redactText(flag).text),
    files: [...given.flags.filter((flag) => flag.startsWith('/')), ...(given.folder ? [given.folder] : [])],
    namespace: given.namespace,
    report: await readReport(out, output),
    output,
    seconds,
  };
}

/** Waits for verify; what happens meanwhile ends with it. */
async function ended(verify: RunningProcess, given: Given, stage: Stage): Promise<void> {
  const over = new AbortController();
  const signal = AbortSignal.any([over.signal, stage.signal, AbortSignal.timeout(LOOK_MS)]);
  const cut = new Promise<never>((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
  const meanwhile = given.meanwhile?.(signal) ?? Promise.resolve();
  meanwhile.catch(() => {}); // awaited below
  try {
    await Promise.race([verify.exited, cut]);
    over.abort(OVER);
    await meanwhile.catch((error: unknown) => {
      if (error !== OVER && (error as Error).name !== 'AbortError') throw error;
    });
  } finally {
    cut.catch(() => {});
  }
}

const OVER = new Error('verify has ended');

async function readReport(out: string, output: string): Promise<Report> {
  try {
    const text = await readFile(join(await realpath(join(out, 'latest')), 'report.json'), 'utf8');
    return JSON.parse(text) as Report;
  } catch (cause) {
    throw new CamofleetError('CF_SERVICE_EXITED', `verify wrote no report:\n${output.trimEnd()}`, {}, { cause });
  }
}
