import { readFile, rename, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { isSame } from '../../processes/index.js';
import type { FleetPaths } from '../../topology/index.js';

export const identitySchema = z.object({ pid: z.int().min(2), startedAt: z.string() });

export const serviceNameSchema = z.enum(['runner', 'control', 'gateway', 'ingress']);
export type ServiceName = z.output<typeof serviceNameSchema>;

const serviceSchema = z.object({
  name: serviceNameSchema,
  identity: identitySchema.nullable(),
  state: z.enum(['starting', 'ready', 'waiting', 'stopped']),
  restarts: z.int(),
  /** Why it ended last, in words. */
  lastEnd: z.string().nullable(),
  /** When a service that waits is started again. */
  nextTryAt: z.string().nullable(),
});
export type ServiceRecord = z.output<typeof serviceSchema>;

const stopSchema = z.object({ service: serviceNameSchema, how: z.string(), tookMs: z.number() });
/** How the stop of one service went. */
export type ServiceStop = z.output<typeof stopSchema>;

const replacedSchema = z.object({
  service: serviceNameSchema,
  how: z.enum(['replaced', 'kept', 'failed']),
  /** In words, where it was not replaced. */
  because: z.string(),
  tookMs: z.number(),
});

const upgradeSchema = z.object({
  /** Of the request. */
  id: z.string(),
  state: z.enum(['running', 'done', 'failed']),
  /** Why it failed as a whole. */
  because: z.string(),
  replaced: z.array(replacedSchema),
});
export type UpgradeRecord = z.output<typeof upgradeSchema>;

const recordSchema = z.object({
  supervisor: identitySchema,
  startedAt: z.string(),
  url: z.string(),
  ingress: z.enum(['traefik', 'embedded']),
  state: z.enum(['starting', 'up', 'stopping', 'stopped']),
  services: z.array(serviceSchema),
  stops: z.array(stopSchema),
  /** What the supervisor can be asked for by a signal; one that is older knows none. */
  accepts: z.array(z.string()).default([]),
  /** The last upgrade, or the one that goes on. */
  upgrade: upgradeSchema.nullable().default(null),
});

/** What a supervisor says of its fleet, on disk. */
export type FleetRecord = z.output<typeof recordSchema>;

/** The record of the last supervisor, living or not; undefined when there is none. */
export async function readRecord(paths: FleetPaths): Promise<FleetRecord | undefined> {
  const text = await readFile(paths.supervisorFile, 'utf8').catch(() => undefined); // never started
  return text === undefined ? undefined : parseRecord(text);
}

function parseRecord(text: string): FleetRecord | undefined {
  try {
    return recordSchema.parse(JSON.parse(text));
  } catch {
    return undefined; // cut by a full disk, or another version's: as good as none
  }
}

/** The record of a supervisor that lives. */
export async function runningRecord(paths: FleetPaths): Promise<FleetRecord | undefined> {
  const record = await readRecord(paths);
  return record && isSame(record.supervisor) ? record : undefined;
}

/** Atomically. */
export async function writeRecord(paths: FleetPaths, record: FleetRecord): Promise<void> {
  await writeFile(`${paths.supervisorFile}.new`, `${JSON.stringify(record, null, 2)}\n`, { mode: 0o600 });
  await rename(`${paths.supervisorFile}.new`, paths.supervisorFile);
}
