import { type DoctorEngine, doctor, thisHost } from '../diagnostics/index.js';
import { bindProblem } from '../engine/index.js';
import type { DoctorReport } from '../report/index.js';
import type { SmokeFleet } from './fleet.js';

export interface HostDeps {
  readonly version: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform: string;
  readonly isRoot: boolean;
  readonly monotonic: () => number;
  readonly signal: AbortSignal;
}

/** What the doctor says of this host, once a fleet has not come up on it. */
export function lookAtHost(
  engine: DoctorEngine,
  { topology, paths }: SmokeFleet,
  deps: HostDeps,
): Promise<DoctorReport> {
  return doctor({
    version: deps.version,
    engine,
    topology,
    paths,
    isRunning: false,
    isRoot: deps.isRoot,
    strict: false,
    io: thisHost(deps.env, deps.platform, bindProblem),
    monotonic: deps.monotonic,
    signal: deps.signal,
  });
}
