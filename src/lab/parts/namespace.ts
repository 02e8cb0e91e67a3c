import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Stage } from '../stage.js';

const execute = promisify(execFile);
/** `ip`, `tc`, `nft` and `sysctl` answer at once, or something is wrong with them. */
const TIMEOUT_MS = 10_000;

/** A network namespace; it goes with the stage. */
export interface Namespace {
  readonly name: string;
  /** `ip` with these arguments, in it. */
  readonly ip: (...args: readonly string[]) => Promise<void>;
  /** Runs a program in it to its end. */
  readonly run: (program: string, ...args: readonly string[]) => Promise<void>;
}

/** A network namespace with nothing but a loopback. It needs root. */
export async function openNamespace(stage: Stage, called?: string): Promise<Namespace> {
  const name = called ?? `vnc-${await stage.port()}`;
  const ip = async (...args: readonly string[]): Promise<void> =>
    void (await execute(stage.program('ip'), args, { timeout: TIMEOUT_MS }));
  await ip('netns', 'add', name);
  stage.defer(() => ip('netns', 'del', name));
  await ip('-n', name, 'link', 'set', 'lo', 'up');
  return {
    name,
    ip: (...args) => ip('-n', name, ...args),
    run: (program, ...args) => ip('netns', 'exec', name, stage.program(program), ...args),
  };
}
