import { execFile } from 'node:child_process';
import { lookup } from 'node:dns/promises';
import { readFile, statfs } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { findProgram } from '../../processes/index.js';

/** Everything that the doctor may look at, so that what it makes of it can be shown without a host like that. */
export interface HostIo {
  /** As Node names it: `linux`, `darwin`. */
  readonly platform: string;
  /** Undefined where there is no such file, or where it is not ours to read. */
  readonly text: (file: string) => Promise<string | undefined>;
  /** Of the file system that a path lies on; undefined where it cannot be seen. */
  readonly room: (path: string) => Promise<Room | undefined>;
  /** The absolute path of a program, or undefined. */
  readonly program: (name: string) => string | undefined;
  /** Runs a program that answers at once; undefined where it cannot be run or does not end in time. */
  readonly run: (file: string, args: readonly string[]) => Promise<Ran | undefined>;
  /** Addresses of a name. Throws what the resolver says. */
  readonly addresses: (name: string) => Promise<readonly string[]>;
  /** Addresses of this host. */
  readonly ownAddresses: () => readonly string[];
  /** Why a listener of the topology cannot be bound, in words; undefined when it can. */
  readonly bindProblem: (setting: string, host: string, port: number) => Promise<string | undefined>;
  readonly now: () => number;
}

export interface Room {
  readonly bytes: number;
  readonly freeBytes: number;
  /** Undefined where the file system does not count them. */
  readonly freeFiles: number | undefined;
}

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** `docker info` on a busy host takes seconds; nothing that is asked takes longer when it is well. */
const RUN_MS = 8_000;
const MAX_OUTPUT_BYTES = 1_048_576;

/** This host. */
export function thisHost(
  env: Readonly<Record<string, string | undefined>>,
  platform: string,
  bindProblem: HostIo['bindProblem'],
): HostIo {
  return {
    platform,
    text: (file) => readFile(file, 'utf8').catch(() => undefined), // the reasons that the interface names
    room,
    program: (name) => findProgram(name, env['PATH']),
    run: (file, args) => run(file, args, env),
    addresses: async (name) => (await lookup(name, { all: true })).map(({ address }) => address),
    ownAddresses: () => Object.values(networkInterfaces()).flatMap((own) => (own ?? []).map(({ address }) => address)),
    bindProblem,
    now: () => Date.now(),
  };
}

async function room(path: string): Promise<Room | undefined> {
  const seen = await statfs(path).catch(() => undefined); // not there, or not ours to see
  if (!seen) return undefined;
  const { bsize, blocks, bavail, files, ffree } = seen;
  return { bytes: blocks * bsize, freeBytes: bavail * bsize, freeFiles: files === 0 ? undefined : ffree };
}

function run(
  file: string,
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<Ran | undefined> {
  const options = { timeout: RUN_MS, maxBuffer: MAX_OUTPUT_BYTES, env: { ...env }, killSignal: 'SIGKILL' } as const;
  return new Promise((resolve) => {
    execFile(file, [...args], options, (error, stdout, stderr) => {
      if (!error) resolve({ code: 0, stdout, stderr });
      else resolve(typeof error.code === 'number' ? { code: error.code, stdout, stderr } : undefined);
    });
  });
}
