import type { EngineName, FleetPaths, Topology } from '../../topology/index.js';
import type { Check } from '../check.js';
import type { DockerSight } from './docker.js';
import type { HostIo } from './host-io.js';

/** Where a fleet is to run. */
export type DoctorEngine = EngineName;

/** What checks of a host look at. */
export interface DoctorContext {
  readonly engine: DoctorEngine;
  readonly topology: Topology;
  readonly paths: FleetPaths;
  /** The fleet runs: its ports are its own. */
  readonly isRunning: boolean;
  readonly io: HostIo;
  readonly isRoot: boolean;
  /** Asked once, however many checks want to know. */
  readonly docker: () => Promise<DockerSight>;
}

/** A check of a host. */
export interface HostCheck extends Check<DoctorContext> {
  /** Where it looks: a file, or what a person can run to see the same. */
  readonly source: string;
}

export function isContained({ engine }: Pick<DoctorContext, 'engine'>): boolean {
  return engine !== 'local';
}
