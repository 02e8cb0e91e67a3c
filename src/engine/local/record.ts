import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { isSame } from '../../processes/index.js';
import type { FleetPaths } from '../../topology/index.js';

const identitySchema = z.object({ pid: z.int(), startedAt: z.string() });

const serviceSchema = z.object({
  name: z.enum(['runner', 'control', 'gateway', 'ingress']),
  identity: identitySchema.nullable(),
  state: z.enum(['starting', 'ready', 'waiting', 'stopped']),
  restarts: z.int(),
  /** Why it ended last, in words. */
  lastEnd: z.string().nullable(),
});

const recordSchema = z.object({
  supervisor: identitySchema,
  startedAt: z.string(),
  url: z.string(),
  ingress: z.enum(['traefik', 'embedded']),
  state: z.enum(['starting', 'up', 'stopping', 'stopped']),
  services: z.array(serviceSchema),
  /** How the last stop of each service went. */
  stops: z.array(z.object({ service: z.string(), how: z.string(), tookMs: z.number() })),
});

/** What a running supervisor says of its fleet, on disk. */
export type FleetRecord = z.output<typeof recordSchema>;
export type ServiceRecord = z.output<typeof serviceSchema>;

/** The record of the last supervisor, living or not; undefined when there is none. */
export async function readRecord(paths: FleetPaths): Promise<FleetRecord | undefined> {
  const text = await readFile(paths.supervisorFile, 'utf8').catch(() => undefined); // never started, or taken down
  if (text === undefined) return undefined;
  const parsed = recordSchema.safeParse(JSON.parse(text));
  return parsed.success ? parsed.data : undefined;
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

export async function removeRecord(paths: FleetPaths): Promise<void> {
  await rm(paths.supervisorFile, { force: true });
}
