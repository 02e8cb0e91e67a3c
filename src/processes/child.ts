import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { open } from 'node:fs/promises';
import type { Duplex, Readable } from 'node:stream';
import { CamofleetError, errorText } from '../core/index.js';
import { type ProcessIdentity, identify } from './identity.js';
import { type StopReport, stopGroup } from './stop.js';
import { tailFile } from './tail.js';

export interface ProcessSpec {
  /** For messages: `gateway`, `Xvfb :101`. */
  readonly name: string;
  readonly file: string;
  readonly args: readonly string[];
  /** The whole environment of the child: nothing is inherited. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** stdout and stderr are appended to it; mode 0600. */
  readonly logFile: string;
  /** Our own services: fd 3 is a pipe that closes when this process dies, and the child then ends itself. */
  readonly lifeline?: boolean;
  /** So many pipes from fd 3 on, both ways; our ends are `pipes` of the process. */
  readonly pipes?: number;
  /** Foreign programs: the absolute path of setpriv, which makes the kernel kill the child with its parent. */
  readonly setpriv?: string | undefined;
}

export interface ExitInfo {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface RunningProcess extends AsyncDisposable {
  readonly name: string;
  readonly pid: number;
  readonly identity: ProcessIdentity;
  readonly logFile: string;
  /** The end of what this process has written to its log, which may hold earlier ones. */
  lastWords(): Promise<string>;
  readonly pipes: readonly Duplex[];
  readonly exited: Promise<ExitInfo>;
  /** Undefined while it runs. */
  readonly exitInfo: ExitInfo | undefined;
  /** SIGTERM to the group, SIGKILL after the grace; resolves when the whole group is gone. */
  stop(graceMs?: number): Promise<StopReport>;
  /** Closes the lifeline, as our own death would: a service that is stopping then hurries. */
  letGo(): void;
}

const DEFAULT_GRACE_MS = 3_000;
/** How much of a log is shown as last words. */
const LAST_WORDS_BYTES = 2_048;

/** Starts a long-lived process in a group of its own. Throws CF_COMPONENT_MISSING when the file cannot be executed. */
export async function startProcess(spec: ProcessSpec): Promise<RunningProcess> {
  const log = await open(spec.logFile, 'a', 0o600);
  const { size: logFrom } = await log.stat();
  const argv = spec.setpriv
    ? [spec.setpriv, '--pdeathsig', 'KILL', '--', spec.file, ...spec.args]
    : [spec.file, ...spec.args];
  try {
    const child = spawn(argv[0]!, argv.slice(1), {
      detached: true,
      env: { ...spec.env, ...(spec.lifeline && { CAMOFLEET_LIFELINE_FD: '3' }) },
      stdio: ['ignore', log.fd, log.fd, ...Array<'pipe'>(spec.pipes ?? (spec.lifeline ? 1 : 0)).fill('pipe')],
      ...(spec.cwd !== undefined && { cwd: spec.cwd }),
    });
    await Promise.race([
      once(child, 'spawn'),
      once(child, 'error').then(([error]) => {
        throw error;
      }),
    ]);
    const lifeline = spec.lifeline ? (child.stdio[3] as Readable | null | undefined) : undefined;
    lifeline?.on('error', () => {}); // the child may be gone already; `exited` tells
    const pid = child.pid!;
    const running: { info?: ExitInfo } = {};
    const exited = new Promise<ExitInfo>((resolve) => {
      child.once('exit', (code, signal) => {
        running.info = { code, signal };
        lifeline?.destroy();
        resolve(running.info);
      });
    });
    const stop = async (graceMs = DEFAULT_GRACE_MS): Promise<StopReport> => {
      const report = await stopGroup(pid, graceMs);
      if (report.how !== 'survived') await exited;
      return report;
    };
    return {
      name: spec.name,
      pid,
      identity: identify(pid) ?? { pid, startedAt: '' },
      logFile: spec.logFile,
      lastWords: () => tailFile(spec.logFile, LAST_WORDS_BYTES, logFrom),
      pipes: spec.pipes === undefined ? [] : (child.stdio.slice(3) as unknown as Duplex[]),
      exited,
      get exitInfo() {
        return running.info;
      },
      stop,
      letGo: () => void lifeline?.destroy(),
      [Symbol.asyncDispose]: async () => void (await stop()),
    };
  } catch (cause) {
    throw new CamofleetError(
      'CF_COMPONENT_MISSING',
      `${spec.name}: cannot run ${spec.file}: ${errorText(cause)}`,
      { file: spec.file },
      { cause },
    );
  } finally {
    await log.close();
  }
}

export interface Patience {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
  readonly everyMs?: number;
  /** Told of every answer that was not yes, and of the time that is left. */
  readonly onWaiting?: (answer: string, leftMs: number) => void;
}

/**
 * Waits until `ready` says yes, asking again every `everyMs`. Throws CF_SERVICE_EXITED with the last words when the
 * process ends first, CF_SERVICE_NOT_READY with the last answer when the time is over.
 */
export async function waitUntilReady(
  process: RunningProcess,
  ready: (signal: AbortSignal) => Promise<true | string>,
  options: Patience,
): Promise<void> {
  const ends = performance.now() + options.timeoutMs;
  const deadline = AbortSignal.timeout(options.timeoutMs);
  const signal = options.signal ? AbortSignal.any([deadline, options.signal]) : deadline;
  let last = 'no answer yet';
  for (;;) {
    options.signal?.throwIfAborted();
    if (process.exitInfo) throw await exitedEarly(process, process.exitInfo);
    const answer = await Promise.race([ready(signal).catch(errorText), process.exited.then(() => 'exited')]);
    if (answer === true) return;
    if (deadline.aborted) break;
    last = answer;
    options.onWaiting?.(last, Math.max(0, ends - performance.now()));
    await Promise.race([new Promise((resolve) => setTimeout(resolve, options.everyMs ?? 50)), process.exited]);
  }
  throw new CamofleetError(
    'CF_SERVICE_NOT_READY',
    `${process.name} runs but was not ready within ${options.timeoutMs / 1000} s: ${last}\nlog: ${process.logFile}`,
    { log: process.logFile },
  );
}

async function exitedEarly(process: RunningProcess, info: ExitInfo): Promise<CamofleetError> {
  const { name, logFile } = process;
  const how = info.signal ? `was ended by ${info.signal}` : `exited with code ${info.code}`;
  const words = (await process.lastWords()).trimEnd();
  const lines = [`${name} ${how} before it was ready`, ...(words === '' ? [] : [words]), `log: ${logFile}`];
  return new CamofleetError('CF_SERVICE_EXITED', lines.join('\n'), { log: logFile });
}
