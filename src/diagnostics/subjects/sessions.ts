import type { PublicSession } from '../../api/index.js';
import { CamofleetError, errorText } from '../../core/index.js';
import type { FleetClient } from '../fleet-client.js';
import type { Mode, Prepared, Problem } from './subject.js';

/** Sessions of verify end by themselves when nobody touches them for so long. */
const OWN_TTL_S = 60;
/** The label of such a session; its value is the run that made it. */
const LABEL = 'camofleet.verify';

export interface Shown {
  readonly mode: Mode;
  readonly session: PublicSession;
}

interface Found {
  readonly shown: readonly Shown[];
  readonly skips: Prepared['skips'];
  readonly problem: Problem | undefined;
}

interface Making {
  readonly client: FleetClient;
  readonly modes: readonly Mode[];
  readonly run: string;
}

/**
 * A real display without a browser for the still screen where there is one, and a test card for the moving one. What
 * is made is added to `owned` at once, also when the other one cannot be made.
 */
export async function makeSessions(making: Making, owned: PublicSession[]): Promise<Found> {
  const { client, modes, run } = making;
  const make = async (browser: string): Promise<PublicSession> => {
    const session = await client.create({ browser, idle_ttl_seconds: OWN_TTL_S, labels: { [LABEL]: run } });
    owned.push(session);
    return session;
  };
  const wanted: { readonly what: string; readonly made: Promise<Shown[]> }[] = [];
  if (modes.includes('still')) wanted.push({ what: 'the still screen', made: makeStill(client, make) });
  if (modes.includes('moving') || modes.includes('watch-only'))
    wanted.push({ what: 'the moving screen', made: makeCard(client, make, modes) });
  // All have settled before anything is judged: a session that is made late must be known to be removed.
  const outcomes = await Promise.allSettled(wanted.map(({ made }) => made));
  const shown = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? outcome.value : []));
  const problems = outcomes.flatMap((outcome, index) =>
    outcome.status === 'rejected' ? [{ what: wanted[index]!.what, ...problemOf(outcome.reason) }] : [],
  );
  // Where one was made, a place that is missing for the other is a skip.
  const grave = problems.find(({ kind }) => kind !== 'full') ?? (shown.length === 0 ? problems[0] : undefined);
  const skips = problems
    .filter(({ kind }) => kind === 'full')
    .map(({ what, saw }) => ({ what, because: `no free slot: ${saw}; end a session, or raise runner.maxSessions` }));
  return { shown, skips, problem: grave && { kind: grave.kind, saw: grave.saw } };
}

type Make = (browser: string) => Promise<PublicSession>;

async function makeStill(client: FleetClient, make: Make): Promise<Shown[]> {
  const usable = (await client.workers()).flatMap(({ browsers }) => browsers);
  return [{ mode: 'still', session: await make(usable.includes('none') ? 'none' : 'testcard-still') }];
}

async function makeCard(client: FleetClient, make: Make, modes: readonly Mode[]): Promise<Shown[]> {
  const session = await make('testcard');
  const view = modes.includes('watch-only') ? await client.get(session.worker, session.id, 'view') : undefined;
  return [
    ...(modes.includes('moving') ? [{ mode: 'moving' as const, session }] : []),
    ...(view ? [{ mode: 'watch-only' as const, session: view }] : []),
  ];
}

/** The session that is named, as it is and, where it is wanted, watched without rights. Throws CF_USAGE when there is none. */
export async function findSession(client: FleetClient, id: string, modes: readonly Mode[]): Promise<Found> {
  const shown: Shown[] = [];
  try {
    const session = (await client.list()).find((candidate) => candidate.id === id);
    if (!session)
      throw new CamofleetError('CF_USAGE', `no session is called ${JSON.stringify(id)}; the fleet page lists them`);
    const isWatched = modes.includes('watch-only');
    const own: Mode = session.browser === 'testcard' ? 'moving' : 'still';
    if (modes.includes(own) || !isWatched) shown.push({ mode: own, session });
    if (isWatched) shown.push({ mode: 'watch-only', session: await client.get(session.worker, id, 'view') });
    return { shown, skips: [], problem: undefined };
  } catch (error) {
    if (error instanceof CamofleetError && error.code === 'CF_USAGE') throw error;
    return { shown, skips: [], problem: problemOf(error) };
  }
}

/** Ends what verify made; what is gone already is what we want. */
export async function releaseSessions(
  client: FleetClient,
  owned: readonly PublicSession[],
  onLeft: (session: string, because: string) => void,
): Promise<void> {
  await Promise.all(
    owned.map(async ({ worker, id }) => {
      try {
        await client.end(worker, id);
      } catch (error) {
        const status = error instanceof CamofleetError ? error.facts['status'] : undefined;
        if (status !== 404 && status !== 410)
          onLeft(id, `${errorText(error)}; it ends by itself after ${OWN_TTL_S} s without viewers`);
      }
    }),
  );
}

/** Who is to blame that a session could not be had: control passes on what its runners say. */
function problemOf(error: unknown): Problem {
  if (!(error instanceof CamofleetError)) throw error;
  const saw = errorText(error);
  if (error.code === 'CF_REFUSED') return { kind: 'refused', saw };
  if (error.code === 'CF_SLOTS_EXHAUSTED') return { kind: 'full', saw };
  const told = error.facts['problem'];
  if (told === 'CF_UNREACHABLE') return { kind: 'runner', saw };
  return { kind: typeof told === 'string' && told.startsWith('CF_') && told !== 'CF_USAGE' ? 'start' : 'control', saw };
}
