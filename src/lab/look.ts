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
  /** When the hop of the first finding was named; undefined where there was none. */
  readonly named: Named | undefined;
}

/** How long verify needed to name a hop, and what that counts from. */
export interface Named {
  readonly seconds: number;
  /** verify was started; the fault was set off while it looked; a timer of the path cut the first stream. */
  readonly since: 'start' | 'set off' | 'first cut';
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
  const [started, startedAt] = [performance.now(), Date.now()];
  const verify = await stage.camofleet(args, {
    cwd: given.folder ?? bare,
    env: { NO_COLOR: '1' },
    namespace: given.namespace,
  });
  let setOffAt: number | undefined;
  await ended(verify, given, stage, () => {
    setOffAt ??= Date.now();
  });
  const seconds = Math.round((performance.now() - started) / 100) / 10;
  const output = await readFile(verify.logFile, 'utf8');
  const report = await readReport(out, output);
  return {
    flags: given.flags.map((flag) => redactText(flag).text),
    files: [...given.flags.filter((flag) => flag.startsWith('/')), ...(given.folder ? [given.folder] : [])],
    namespace: given.namespace,
    report,
    output,
    seconds,
    named: namedIn(report, { startedAt, setOffAt }),
  };
}

/** Waits for verify; what happens meanwhile ends with it. */
async function ended(verify: RunningProcess, given: Given, stage: Stage, setOff: () => void): Promise<void> {
  const over = new AbortController();
  const signal = AbortSignal.any([over.signal, stage.signal, AbortSignal.timeout(LOOK_MS)]);
  const cut = new Promise<never>((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
  const meanwhile = given.meanwhile?.(signal, setOff) ?? Promise.resolve();
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

/** All clocks are those of this machine. */
export function namedIn(
  { startedAt: began, findings, streams }: Pick<Report, 'startedAt' | 'findings' | 'streams'>,
  { startedAt, setOffAt }: { readonly startedAt: number; readonly setOffAt: number | undefined },
): Named | undefined {
  const [first] = findings;
  if (first?.knownAfterMs === undefined) return undefined;
  const namedAt = Date.parse(began) + first.knownAfterMs;
  const cuts = streams
    .filter(({ end, heldMs }) => end.by !== 'verify' && heldMs > 0)
    .map(({ openedAt, end }) => Date.parse(openedAt) + end.atMs);
  const cutAt = Math.min(...cuts);
  const [since, from] =
    setOffAt !== undefined && setOffAt <= namedAt
      ? (['set off', setOffAt] as const)
      : cutAt <= namedAt
        ? (['first cut', cutAt] as const)
        : (['start', startedAt] as const);
  return { since, seconds: Math.round((namedAt - from) / 100) / 10 };
}

async function readReport(out: string, output: string): Promise<Report> {
  try {
    const text = await readFile(join(await realpath(join(out, 'latest')), 'report.json'), 'utf8');
    return JSON.parse(text) as Report;
  } catch (cause) {
    throw new CamofleetError('CF_SERVICE_EXITED', `verify wrote no report:\n${output.trimEnd()}`, {}, { cause });
  }
}
