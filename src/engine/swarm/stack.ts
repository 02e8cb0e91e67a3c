import { readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { CamofleetError } from '../../core/index.js';
import {
  type Topology,
  composeProject,
  composeSecrets,
  secretVariable,
  textVersion,
  loadTemplates,
  render,
} from '../../topology/index.js';
import { type Daemon, openDaemon } from '../compose/docker.js';
import { containerUser, ensureMounts } from '../compose/mounts.js';
import type { EngineDeps } from '../engine.js';
import { writeFiles } from '../files.js';

/** A fleet as Swarm knows it. */
export interface Stack {
  readonly name: string;
  readonly topology: Topology;
  readonly docker: Daemon;
}

const nodeSchema = z.object({
  LocalNodeState: z.string(),
  ControlAvailable: z.boolean(),
  NodeID: z.string(),
});

/** The stack of a fleet. Throws CF_COMPONENT_MISSING, CF_DOCKER_UNREACHABLE, CF_SWARM_INACTIVE. */
export async function openStack({ paths, topology, self }: EngineDeps): Promise<Stack & { readonly node: string }> {
  const docker = await openDaemon(paths.root, self.env);
  const node = await managerOf(docker);
  const wanted = await topology();
  return { name: composeProject(wanted), topology: wanted, docker, node };
}

/** The id of this node, which must be a manager: to become one is the operator's to decide. */
async function managerOf(docker: Daemon): Promise<string> {
  const text = await docker.run(['info', '--format', '{{json .Swarm}}']);
  const { LocalNodeState: state, ControlAvailable: isManager, NodeID: id } = nodeSchema.parse(JSON.parse(text));
  if (state === 'active' && isManager) return id;
  const saw = state === 'active' ? 'this node is a worker of its swarm' : `the swarm of this node is ${state}`;
  throw new CamofleetError('CF_SWARM_INACTIVE', `${saw}; wanted a manager`, { state });
}

/** Writes what follows from the topology, and what containers of this host mount. */
export async function writeStack({ paths, self, version }: EngineDeps, topology: Topology): Promise<void> {
  const templates = await loadTemplates(self.packageRoot, join(paths.root, 'templates'));
  await writeFiles(paths.root, render(topology, 'swarm', { paths, templates, version }));
  await ensureMounts(paths, topology, containerUser(await stat(paths.state)));
}

/** What the stack file leaves to the one who deploys it. */
export async function stackEnvironment(
  { paths }: EngineDeps,
  { topology, node }: Pick<Stack, 'topology'> & { readonly node: string },
  replicas: Readonly<Record<string, number>>,
): Promise<Record<string, string>> {
  const { uid, gid } = containerUser(await stat(paths.state));
  const secrets = composeSecrets(topology).map(async ({ name, to }) => [
    secretVariable(name),
    textVersion(await readFile(resolve(paths.root, to))),
  ]);
  return {
    CAMOFLEET_NODE: node,
    CAMOFLEET_UID: String(uid),
    CAMOFLEET_GID: String(gid),
    ...Object.fromEntries(
      Object.entries(replicas).map(([name, count]) => [`CAMOFLEET_${name.toUpperCase()}_REPLICAS`, String(count)]),
    ),
    ...(Object.fromEntries(await Promise.all(secrets)) as Record<string, string>),
  };
}
