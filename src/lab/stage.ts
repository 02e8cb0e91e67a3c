import { randomInt } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { basename, join } from 'node:path';
import { CamofleetError, redactText } from '../core/index.js';
import { type RunningProcess, findProgram, startProcess, waitUntilReady } from '../processes/index.js';
import { listensOn } from './listening.js';

/** What the stage needs of the process that plays on it. */
export interface StageDeps {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The Node binary, and bin/run.js: the built command line is a part like any other. */
  readonly execPath: string;
  readonly entryPoint: string;
  /** Where folders of stages go: the system's folder for temporary files. */
  readonly temporary: string;
  readonly signal: AbortSignal;
  /** Told of everything that is started, in words. */
  readonly onStarted: (words: string) => void;
}

export interface Part {
  readonly program: string;
  readonly args: readonly string[];
  /** Beside PATH, HOME and the language. */
  readonly env?: Readonly<Record<string, string>>;
  /** Where it runs: the folder of the stage, unless it is said. */
  readonly cwd?: string;
  /** The network namespace that it lives in. */
  readonly namespace?: string | undefined;
  /** The TCP port that it listens on once it is ready; without it, it is ready at once. */
  readonly port?: number;
  /** Another sign that it is ready: true, or what is still missing. */
  readonly ready?: () => Promise<true | string>;
}

/** Owner of one broken path, or of its twin: folder, ports, processes, servers. What is started on it ends with it. */
export interface Stage extends AsyncDisposable {
  /** Neutral: it tells nothing of the fault. */
  readonly folder: string;
  /** Aborted when the lab is interrupted. */
  readonly signal: AbortSignal;
  /** Takes ownership; things end in reverse order. */
  own<T extends AsyncDisposable | Disposable>(thing: T): T;
  /** Calls back when the stage ends. */
  defer(end: () => void | Promise<void>): void;
  /** Writes a file in the folder and returns its path. */
  file(name: string, text: string, mode?: number): Promise<string>;
  /** A free port below those that the kernel hands out, never the same twice. */
  port(): Promise<number>;
  /** The Node binary that runs the lab, for stand-ins that must be processes of their own. */
  readonly node: string;
  /** The absolute path of a program. */
  program(name: string): string;
  /** Starts a program and waits until it is ready; its output goes to a log in the folder. */
  start(part: Part): Promise<RunningProcess>;
  /** The same for a subcommand of the built command line: `gateway`, `runner`, `control`, `ingress`, `up`. */
  camofleet(args: readonly string[], part?: Omit<Part, 'program' | 'args'>): Promise<RunningProcess>;
}

const START_MS = 20_000;
const [MIN_PORT, MAX_PORT] = [10_000, 32_000];

export async function openStage(deps: StageDeps): Promise<Stage> {
  const scope = new AsyncDisposableStack();
  const folder = await mkdtemp(join(deps.temporary, 'vnc-'));
  scope.defer(() => rm(folder, { recursive: true, force: true }));
  const taken = new Set<number>();
  const { PATH = '', HOME = folder } = deps.env;
  const base = { PATH, HOME, LANG: 'C.UTF-8' };
  let parts = 0;

  const program = (name: string): string => {
    const path = findProgram(name, PATH);
    if (path === undefined) throw new CamofleetError('CF_COMPONENT_MISSING', `${name} is not on PATH`, { name });
    return path;
  };

  const start = async (part: Part, own = false): Promise<RunningProcess> => {
    deps.signal.throwIfAborted();
    const name = own ? `camofleet ${part.args[1]}` : basename(part.program);
    const file = part.namespace === undefined ? program(part.program) : program('ip');
    const inside = part.namespace === undefined ? [] : ['netns', 'exec', part.namespace, program(part.program)];
    const logFile = join(folder, `${own ? part.args[1] : name}-${(parts += 1)}.log`);
    const setpriv = own ? undefined : findProgram('setpriv', PATH);
    const started = await startProcess({
      name,
      file,
      args: [...inside, ...part.args],
      env: { ...base, ...part.env },
      cwd: part.cwd ?? folder,
      logFile,
      lifeline: own, // `ip netns exec` becomes the program, and keeps the pipe
      setpriv,
    });
    scope.use(started);
    await waitUntilReady(started, () => isReady(part, started.pid), { timeoutMs: START_MS, signal: deps.signal });
    const words = own ? `camofleet ${part.args.slice(1).join(' ')}` : name;
    deps.onStarted(`${redactText(words).text}${part.port === undefined ? '' : ` on port ${part.port}`}`);
    return started;
  };

  return {
    folder,
    signal: deps.signal,
    node: deps.execPath,
    own: (thing) => scope.use(thing),
    defer: (end) => scope.defer(end),
    file: async (name, text, mode = 0o644) => {
      const path = join(folder, name);
      await writeFile(path, text, { mode });
      return path;
    },
    port: () => freePort(taken),
    program,
    start: (part) => start(part),
    camofleet: (args, part = {}) => start({ ...part, program: deps.execPath, args: [deps.entryPoint, ...args] }, true),
    [Symbol.asyncDispose]: () => scope.disposeAsync(),
  };
}

async function isReady({ port, ready }: Part, pid: number): Promise<true | string> {
  if (port !== undefined && !listensOn(pid, port)) return `nobody listens on port ${port}`;
  return (await ready?.()) ?? true;
}

async function freePort(taken: Set<number>): Promise<number> {
  for (;;) {
    const port = randomInt(MIN_PORT, MAX_PORT);
    if (taken.has(port) || !(await isFree(port))) continue;
    taken.add(port);
    return port;
  }
}

function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen({ port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}
