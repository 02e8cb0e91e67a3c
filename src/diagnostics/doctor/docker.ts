import { z } from 'zod';
import type { HostIo } from './host-io.js';

const infoSchema = z.object({
  ServerVersion: z.string().min(1),
  OSType: z.string().optional(),
  CgroupVersion: z.string().optional(),
  MemoryLimit: z.boolean().optional(),
  CpuCfsQuota: z.boolean().optional(),
  PidsLimit: z.boolean().optional(),
  SystemTime: z.string().optional(),
  DockerRootDir: z.string().optional(),
  SecurityOptions: z.array(z.string()).nullish(),
  Swarm: z.object({ LocalNodeState: z.string(), ControlAvailable: z.boolean() }).optional(),
});

/** What a Docker daemon says of itself, as far as it matters here. */
export type DockerInfo = z.output<typeof infoSchema>;

export type DockerSight =
  | { readonly state: 'here'; readonly info: DockerInfo }
  | { readonly state: 'missing' }
  /** `why`: what the client says. */
  | { readonly state: 'unreachable'; readonly why: string }
  | { readonly state: 'unknown'; readonly because: string };

/** Asks the daemon that the client of this user talks to. */
export async function askDocker(io: HostIo): Promise<DockerSight> {
  const docker = io.program('docker');
  if (docker === undefined) return { state: 'missing' };
  const ran = await io.run(docker, ['info', '--format', '{{json .}}']);
  if (!ran) return { state: 'unknown', because: '`docker info` did not answer in time' };
  return parseDockerInfo(ran);
}

/** Reads what `docker info --format '{{json .}}'` printed. Where no daemon answers, it prints an empty one, and says why on stderr. */
export function parseDockerInfo({
  code,
  stdout,
  stderr,
}: {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}): DockerSight {
  const parsed = infoSchema.safeParse(jsonOf(stdout));
  if (parsed.success) return { state: 'here', info: parsed.data };
  const why = stderr.trim().split('\n').at(-1) ?? '';
  if (code !== 0 && why !== '') return { state: 'unreachable', why };
  return { state: 'unknown', because: '`docker info` printed something else than its JSON' };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // the schema refuses it
  }
}

/** The first version number in a text, as numbers: `20.10.24+dfsg1` is 20, 10, 24. */
export function versionIn(text: string): readonly number[] | undefined {
  const [found] = /\d+(?:\.\d+)+/.exec(text) ?? [];
  return found?.split('.').map(Number);
}

/** Whether a version is at least another. */
export function isAtLeast(version: readonly number[], least: readonly number[]): boolean {
  const [index] = [...least.keys()].filter((at) => (version[at] ?? 0) !== least[at]);
  return index === undefined || (version[index] ?? 0) > least[index]!;
}
