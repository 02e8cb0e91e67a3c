import { createInterface } from 'node:readline';
import { execa } from 'execa';
import { CamofleetError } from '../../core/index.js';
import { findProgram } from '../../processes/index.js';

type Env = Readonly<Record<string, string | undefined>>;

/** The Docker of this host, as its command line. Every call is over when it returns. */
export interface Daemon {
  /** `docker …`: what it prints. Throws CF_DOCKER_FAILED with what it said. */
  run(args: readonly string[], options?: RunOptions): Promise<string>;
  /** The lines of `docker …` until it ends or the signal comes. */
  tail(args: readonly string[], signal: AbortSignal): AsyncGenerator<string>;
}

/** The Docker of this host and its Compose. */
export interface Docker extends Daemon {
  /** `docker compose …` in the folder of the fleet. */
  compose(args: readonly string[], options?: RunOptions): Promise<string>;
  /** The lines of `docker compose …` until it ends or the signal comes. */
  follow(args: readonly string[], signal: AbortSignal): AsyncGenerator<string>;
}

interface RunOptions {
  /** Besides ours. */
  readonly env?: Env;
  readonly signal?: AbortSignal;
  readonly timeoutMs?: number;
  /** What it says beside its answer is wanted too: the logs of a container. */
  readonly withStderr?: boolean;
}

/** It waits for services (`up --wait-timeout`) from here on. */
const LEAST_COMPOSE = [2, 20] as const;
const ANSWER_MS = 20_000;
/** Of what a command says. */
const MAX_OUTPUT = 16_777_216;
/** After SIGTERM. */
const KILL_MS = 2_000;
const LAST_WORDS = 8;

/** Finds Docker. Throws CF_COMPONENT_MISSING or CF_DOCKER_UNREACHABLE with what was seen. */
export async function openDaemon(cwd: string, env: Env): Promise<Daemon> {
  const docker = programOf(env);
  const server = await said(docker, ['version', '--format', '{{.Server.Version}}'], { cwd, env });
  if (server.failed)
    throw new CamofleetError('CF_DOCKER_UNREACHABLE', `the Docker daemon does not answer: ${server.words}`);
  return {
    run: async (args, options) => {
      const given = { ...env, ...options?.env };
      return taken('docker', args, await said(docker, args, { cwd, ...options, env: given }));
    },
    tail: (args, signal) => lines(docker, args, { cwd, env }, signal),
  };
}

/**
 * Finds Docker and Compose, as a plug-in or on its own. Throws CF_COMPONENT_MISSING, CF_DOCKER_UNREACHABLE or
 * CF_COMPOSE_MISSING with what was seen.
 */
export async function openDocker(cwd: string, env: Env): Promise<Docker> {
  const daemon = await openDaemon(cwd, env);
  const call = (file: string, args: readonly string[], options: RunOptions = {}): Promise<Said> =>
    said(file, args, { cwd, env, ...options });
  const [file, ...first] = await composeCommand(programOf(env), env, call);
  return {
    ...daemon,
    compose: async (args, options) => taken('compose', args, await call(file, [...first, ...args], options)),
    follow: (args, signal) => lines(file, [...first, ...args], { cwd, env }, signal),
  };
}

function programOf(env: Env): string {
  const docker = findProgram('docker', env['PATH']);
  if (docker === undefined) throw new CamofleetError('CF_COMPONENT_MISSING', 'docker is not on PATH; wanted Docker');
  return docker;
}

async function composeCommand(
  docker: string,
  env: Env,
  call: (file: string, args: readonly string[]) => Promise<Said>,
): Promise<readonly [string, ...string[]]> {
  const alone = findProgram('docker-compose', env['PATH']);
  const ways: readonly (readonly [string, ...string[]])[] = [[docker, 'compose'], ...(alone ? [[alone] as const] : [])];
  const seen: string[] = [];
  for (const way of ways) {
    const [file, ...first] = way;
    const { failed, stdout } = await call(file, [...first, 'version', '--short']);
    const version = failed ? undefined : /^v?(\d+)\.(\d+)/.exec(stdout);
    if (version && isEnough(Number(version[1]), Number(version[2]))) return way;
    if (version) seen.push(`${way.join(' ')} is ${stdout.trim()}`);
  }
  const wanted = `wanted Compose ${LEAST_COMPOSE.join('.')} or newer`;
  const found = seen.length > 0 ? seen.join(', ') : 'neither `docker compose` nor `docker-compose` is there';
  throw new CamofleetError('CF_COMPOSE_MISSING', `${found}; ${wanted}`);
}

function isEnough(major: number, minor: number): boolean {
  return major > LEAST_COMPOSE[0] || (major === LEAST_COMPOSE[0] && minor >= LEAST_COMPOSE[1]);
}

interface Said {
  readonly failed: boolean;
  readonly stdout: string;
  /** The last lines of its complaint. */
  readonly words: string;
}

async function said(
  file: string,
  args: readonly string[],
  {
    cwd,
    env,
    signal,
    timeoutMs = ANSWER_MS,
    withStderr = false,
  }: RunOptions & { readonly cwd: string; readonly env: Env },
): Promise<Said> {
  const result = await execa(file, args, {
    cwd,
    env: { ...env, COMPOSE_PROGRESS: 'plain', COMPOSE_ANSI: 'never' },
    extendEnv: false,
    reject: false,
    stdin: 'ignore',
    maxBuffer: MAX_OUTPUT,
    timeout: timeoutMs,
    forceKillAfterDelay: KILL_MS,
    // Of a group of its own: a Ctrl-C is for us, who then tell it to end.
    detached: true,
    ...(signal && { cancelSignal: signal }),
  });
  signal?.throwIfAborted();
  const complaint = result.stderr.trim() || result.shortMessage || '';
  const words = result.timedOut ? `no answer within ${timeoutMs / 1000} s` : lastLines(complaint);
  const stdout = withStderr ? `${result.stdout}\n${result.stderr}` : result.stdout;
  return { failed: result.failed, stdout, words };
}

function taken(what: string, args: readonly string[], { failed, stdout, words }: Said): string {
  if (!failed) return stdout;
  throw new CamofleetError('CF_DOCKER_FAILED', `${what} ${args[0]}: ${words}`, { command: what, said: words });
}

function lastLines(text: string): string {
  return text.split('\n').slice(-LAST_WORDS).join('\n');
}

async function* lines(
  file: string,
  args: readonly string[],
  { cwd, env }: { readonly cwd: string; readonly env: Env },
  signal: AbortSignal,
): AsyncGenerator<string> {
  const child = execa(file, args, {
    cwd,
    env: { ...env, COMPOSE_ANSI: 'never' },
    extendEnv: false,
    reject: false,
    buffer: false,
    stdin: 'ignore',
    stderr: 'ignore',
    forceKillAfterDelay: KILL_MS,
    detached: true,
    cancelSignal: signal,
  });
  try {
    for await (const line of createInterface({ input: child.stdout, crlfDelay: Infinity })) yield line;
  } finally {
    child.kill();
    await child;
  }
}
