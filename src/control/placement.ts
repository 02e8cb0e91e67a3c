import { CamofleetError } from '../core/index.js';

/** A runner as a place for a session. */
export interface Candidate {
  readonly name: string;
  readonly reachable: boolean | null;
  readonly supportsVnc: boolean;
  readonly sessions: number | null;
  readonly capacity: number | null;
  readonly browsers: readonly string[];
}

/** The runner with the fewest sessions that can take this one; throws with the reason when there is none. */
export function chooseRunner(
  candidates: readonly Candidate[],
  wanted: {
    readonly worker?: string | undefined;
    readonly browser?: string | undefined;
    readonly vnc?: boolean | undefined;
  },
): string {
  if (candidates.length === 0)
    throw new CamofleetError(
      'CF_UNREACHABLE',
      'no worker is known: nothing was found behind the names of CONTROL_WORKERS',
    );
  const named = wanted.worker === undefined ? candidates : candidates.filter(({ name }) => name === wanted.worker);
  if (named.length === 0)
    throw new CamofleetError(
      'CF_USAGE',
      `no worker is called ${JSON.stringify(wanted.worker)}; there are: ${candidates.map(({ name }) => name).join(', ')}`,
    );
  const showing = named.filter(({ supportsVnc }) => supportsVnc || wanted.vnc === false);
  if (showing.length === 0)
    throw new CamofleetError('CF_USAGE', `no worker can show a picture: ${named.map(({ name }) => name).join(', ')}`);
  const able = showing.filter(
    ({ browsers, reachable }) =>
      reachable !== true || wanted.browser === undefined || browsers.includes(wanted.browser),
  );
  if (able.length === 0)
    throw new CamofleetError(
      'CF_USAGE',
      `no worker has browser ${JSON.stringify(wanted.browser)}; there are: ${[...new Set(showing.flatMap(({ browsers }) => browsers))].join(', ')}`,
    );
  const alive = able.filter(({ reachable }) => reachable !== false);
  if (alive.length === 0)
    throw new CamofleetError('CF_UNREACHABLE', `no worker can be reached: ${able.map(({ name }) => name).join(', ')}`);
  const [best] = alive
    .filter(({ sessions, capacity }) => (sessions ?? 0) < (capacity ?? Infinity))
    .toSorted((a, b) => (a.sessions ?? 0) - (b.sessions ?? 0));
  if (!best) throw new CamofleetError('CF_SLOTS_EXHAUSTED', 'every worker is full');
  return best.name;
}
