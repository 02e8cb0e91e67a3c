import { CamofleetError, redactText } from '../core/index.js';
import { type ProcessSpec, type RunningProcess, startProcess, waitUntilReady } from '../processes/index.js';
import { processStopped } from './events.js';
import type { StateFolder } from './state-folder.js';

export interface OwnDeps {
  readonly state: StateFolder;
  /** Ties a child's life to ours in the kernel; absent where the system has none. */
  readonly setpriv: string | undefined;
  readonly stopGraceMs: number;
}

/** What is left of the time that a session may take to start, and the wish to stop starting. */
export interface Startup {
  /** Whole milliseconds, at least one. */
  leftMs(): number;
  readonly signal: AbortSignal;
}

export interface Owner {
  readonly session: string;
  /** Set when the session is being released: an end is then no death. */
  ending: boolean;
  readonly onDeath: (what: string) => void;
  /** Its programs in the order of their start: each lives on those before it. */
  readonly parts: RunningProcess[];
}

/** A program that ends takes those that live on it along, and theirs may be the end that is seen first. */
const BLAME_MS = 150;

/** Starts a program as part of a scope: noted on disk, its death told, stopped with its report. */
export async function startOwned(
  scope: AsyncDisposableStack,
  spec: Omit<ProcessSpec, 'setpriv'> & { readonly display?: number },
  owner: Owner,
  deps: OwnDeps,
): Promise<RunningProcess> {
  const { display, ...rest } = spec;
  const child = await startProcess({ ...rest, setpriv: deps.setpriv });
  scope.defer(async () => {
    const { how, tookMs } = await child.stop(deps.stopGraceMs);
    processStopped.publish({ session: owner.session, what: child.name, how, tookMs });
    await deps.state.forget(child.identity);
  });
  await deps.state.note(child.name, child.identity, display);
  const below = [...owner.parts];
  owner.parts.push(child);
  void child.exited.then(async () => {
    const dead = (await firstDead(below)) ?? child;
    const { code, signal } = await dead.exited;
    if (!owner.ending) owner.onDeath(`${dead.name} ${signal ? `was ended by ${signal}` : `exited with code ${code}`}`);
  });
  return child;
}

/** The first of these programs that has ended or ends within a moment. */
async function firstDead(parts: readonly RunningProcess[]): Promise<RunningProcess | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const moment = new Promise((resolve) => (timer = setTimeout(resolve, BLAME_MS)));
  if (parts.length > 0) await Promise.race([moment, ...parts.map(({ exited }) => exited)]);
  clearTimeout(timer);
  return parts.find(({ exitInfo }) => exitInfo !== undefined);
}

/** Waits until a program is ready. Its log goes with its session, so a failure carries its last words instead. */
export async function readyOwned(
  child: RunningProcess,
  look: (signal: AbortSignal) => Promise<true | string>,
  startup: Startup,
): Promise<void> {
  try {
    await waitUntilReady(child, look, { timeoutMs: startup.leftMs(), signal: startup.signal, everyMs: LOOK_EVERY_MS });
  } catch (error) {
    if (!(error instanceof CamofleetError)) throw error;
    const message = error.message.replace(`\nlog: ${child.logFile}`, '');
    const words = (await child.lastWords()).trim();
    const all = words === '' || message.includes(words) ? message : `${message}\n${words}`;
    throw new CamofleetError(error.code, redactText(all).text, {}, { cause: error });
  }
}

const LOOK_EVERY_MS = 25;
