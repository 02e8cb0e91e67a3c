import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, fstatSync, openSync } from 'node:fs';
import { z } from 'zod';
import { CamofleetError, type ErrorCode, isErrorCode } from '../../core/index.js';
import { identify, stopProcess, tailFile } from '../../processes/index.js';
import { type FleetPaths, serviceLog } from '../../topology/index.js';
import { runningAlready } from './claim.js';
import { runningRecord } from './record.js';
import { rotateLogs } from './rotate.js';
import { type Step, stepSchema } from '../steps.js';

const messageSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('step'), step: stepSchema }),
  z.object({ type: z.literal('up'), url: z.string(), ingress: z.enum(['traefik', 'embedded']) }),
  z.object({
    type: z.literal('failed'),
    code: z.custom<ErrorCode>((code) => typeof code === 'string' && isErrorCode(code)),
    message: z.string(),
    facts: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.array(z.string()).readonly()])),
  }),
]);

/** What a supervisor in the background tells the `up` that started it, over the channel between them. */
export type BackgroundMessage = z.output<typeof messageSchema>;
type Up = Extract<BackgroundMessage, { type: 'up' }>;

export interface BackgroundOptions {
  readonly paths: FleetPaths;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The command line of a supervisor that talks to us: program and arguments. */
  readonly command: readonly [string, ...string[]];
  readonly onStep: (step: Step) => void;
}

/** A fleet in the background that is up. */
export interface Background extends Pick<Up, 'url' | 'ingress'> {
  readonly pid: number;
  /** Stops it again. */
  stop(): Promise<void>;
}

/** A supervisor tells every step, and the longest are the stops of services; one that says nothing for so long hangs. */
const SILENCE_MS = 120_000;
const STOP_MS = 60_000;
const LAST_WORDS_BYTES = 2_048;

/** Starts a supervisor in a session of its own and waits until its fleet is up; on failure or abort nothing is left. */
export async function startInBackground(options: BackgroundOptions, signal: AbortSignal): Promise<Background> {
  const { paths } = options;
  const running = await runningRecord(paths);
  if (running) throw await runningAlready(paths, running.supervisor);
  await rotateLogs(paths);
  const logFile = serviceLog(paths, 'supervisor');
  const log = openSync(logFile, 'a', 0o600);
  const { size: logFrom } = fstatSync(log);
  const [file, ...args] = options.command;
  const child = spawn(file, args, {
    cwd: paths.root,
    detached: true,
    env: options.env,
    stdio: ['ignore', log, log, 'ipc'],
  });
  closeSync(log);
  const identity = identify(child.pid ?? 0) ?? { pid: child.pid ?? 0, startedAt: '' };
  const stop = async (): Promise<void> => void (await stopProcess(identity, STOP_MS));
  try {
    const { url, ingress } = await untilUp(child, options, signal, () => tailFile(logFile, LAST_WORDS_BYTES, logFrom));
    child.disconnect();
    child.unref();
    return { url, ingress, pid: identity.pid, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function untilUp(
  child: ChildProcess,
  { onStep }: BackgroundOptions,
  signal: AbortSignal,
  lastWords: () => Promise<string>,
): Promise<Up> {
  const { promise, resolve, reject } = Promise.withResolvers<Up>();
  const fail = (code: ErrorCode, message: string): void => reject(new CamofleetError(code, message));
  const interrupted = (): void => reject(signal.reason);
  signal.addEventListener('abort', interrupted, { once: true });
  const hangs = setTimeout(
    () => fail('CF_SERVICE_NOT_READY', `the supervisor has said nothing for ${SILENCE_MS / 1000} s`),
    SILENCE_MS,
  );
  child.on('message', (raw) => {
    hangs.refresh();
    const message = messageSchema.parse(raw);
    if (message.type === 'step') onStep(message.step);
    else if (message.type === 'up') resolve(message);
    else reject(new CamofleetError(message.code, message.message, message.facts));
  });
  child.once('error', (cause) => fail('CF_SERVICE_EXITED', `the supervisor cannot be started: ${cause.message}`));
  child.once('exit', (code, killer) => {
    const how = killer ? `was ended by ${killer}` : `exited with code ${code}`;
    void lastWords().then((words) => fail('CF_SERVICE_EXITED', `the supervisor ${how}\n${words.trimEnd()}`));
  });
  try {
    signal.throwIfAborted();
    return await promise;
  } finally {
    clearTimeout(hangs);
    signal.removeEventListener('abort', interrupted);
  }
}
