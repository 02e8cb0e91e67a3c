import { readFile } from 'node:fs/promises';
import type { PublicSession } from '../api/index.js';
import { CamofleetError, type Hop, errorText } from '../core/index.js';
import { parseKeyring, openToken } from '../tokens/index.js';
import { type FleetPaths, ROUTES, type Topology } from '../topology/index.js';
import type { FleetClient } from './fleet-client.js';
import type { DialTarget } from './probe/index.js';

export const MODES = ['still', 'moving', 'watch-only'] as const;
export type Mode = (typeof MODES)[number];

/** From where a session is dialled, from the outside in. */
export const VANTAGES = ['public', 'gateway', 'rfb'] as const;
export type Vantage = (typeof VANTAGES)[number];

/** A session as it is watched: what it shows, and how to reach it from each vantage point that is known. */
export interface Subject {
  readonly mode: Mode;
  readonly session: string | undefined;
  readonly isTestCard: boolean;
  readonly targets: Partial<Readonly<Record<Vantage, DialTarget>>>;
  readonly page: URL | undefined;
}

export interface Prepared extends AsyncDisposable {
  readonly subjects: readonly Subject[];
  /** Why vantages or modes are missing, for the report. */
  readonly skips: readonly { readonly what: string; readonly because: string }[];
  /** Why nothing could be prepared. */
  readonly problem:
    | { readonly hop: Hop; readonly saw: string; readonly refused: boolean; readonly noSlot: boolean }
    | undefined;
  /** Keeps sessions of verify alive; call it more often than their TTL. */
  touch(): Promise<void>;
}

/** Sessions of verify end by themselves when nobody touches them for so long. */
const OWN_TTL_S = 60;

interface FleetInput {
  readonly client: FleetClient;
  readonly topology: Topology;
  readonly paths: FleetPaths;
  readonly run: string;
  readonly modes: readonly Mode[];
  /** This session instead of own ones. */
  readonly session: string | undefined;
  readonly origin: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
}

/** Sessions of a fleet: those that are named, or own ones, made now and removed with the scope. */
export async function prepareFleetSubjects(input: FleetInput): Promise<Prepared> {
  const owned: PublicSession[] = [];
  const skips: { what: string; because: string }[] = [];
  const release = async (): Promise<void> => {
    await Promise.all(owned.map(({ worker, id }) => input.client.end(worker, id).catch(() => undefined))); // ended meanwhile is what we want
  };
  const result = (subjects: readonly Subject[], problem?: Prepared['problem']): Prepared => ({
    subjects,
    skips,
    problem,
    touch: async () =>
      void (await Promise.all(owned.map(({ worker, id }) => input.client.touch(worker, id).catch(() => undefined)))), // its end is told by the streams
    [Symbol.asyncDispose]: release,
  });
  try {
    const sessions =
      input.session === undefined ? await makeSessions(input, owned) : await findSession(input, input.session);
    const subjects = await Promise.all(sessions.map(({ mode, session }) => subjectOf(mode, session, input)));
    if (subjects.some(({ mode, targets }) => mode !== 'watch-only' && !targets.rfb))
      skips.push({ what: 'raw RFB', because: 'the token keys cannot be read here, so the RFB password is not known' });
    return result(subjects);
  } catch (error) {
    await release();
    const known = error instanceof CamofleetError ? error.code : undefined;
    return result([], {
      hop: 'control',
      saw: errorText(error),
      refused: known === 'CF_REFUSED',
      noSlot: known === 'CF_SLOTS_EXHAUSTED',
    });
  }
}

interface Made {
  readonly mode: Mode;
  readonly session: PublicSession;
}

/** A real display without a browser for the still screen where there is one, and a test card for the moving one. */
async function makeSessions(input: FleetInput, owned: PublicSession[]): Promise<Made[]> {
  const { client, modes } = input;
  const usable = new Set((await client.workers()).flatMap(({ browsers }) => browsers));
  const make = async (browser: string): Promise<PublicSession> => {
    const session = await client.create({
      browser,
      idle_ttl_seconds: OWN_TTL_S,
      labels: { 'camofleet.verify': input.run },
    });
    owned.push(session);
    return session;
  };
  const stillBrowser = usable.has('none') ? 'none' : 'testcard-still';
  const wantsCard = modes.includes('moving') || modes.includes('watch-only');
  const [still, card] = await Promise.all([
    modes.includes('still') ? make(stillBrowser) : undefined,
    wantsCard ? make('testcard') : undefined,
  ]);
  return [
    ...(still ? [{ mode: 'still' as const, session: still }] : []),
    ...(card && modes.includes('moving') ? [{ mode: 'moving' as const, session: card }] : []),
    ...(card && modes.includes('watch-only')
      ? [{ mode: 'watch-only' as const, session: await client.get(card.worker, card.id, 'view') }]
      : []),
  ];
}

async function findSession({ client, modes }: FleetInput, id: string): Promise<Made[]> {
  const session = (await client.list()).find((candidate) => candidate.id === id);
  if (!session)
    throw new CamofleetError(
      'CF_USAGE',
      `no session is called ${JSON.stringify(id)}; camofleet status and the fleet page list them`,
    );
  const mode: Mode = session.browser === 'testcard' ? 'moving' : 'still';
  const watch = modes.includes('watch-only')
    ? [{ mode: 'watch-only' as const, session: await client.get(session.worker, id, 'view') }]
    : [];
  return [{ mode, session }, ...watch];
}

async function subjectOf(mode: Mode, session: PublicSession, input: FleetInput): Promise<Subject> {
  if (!session.vnc)
    throw new CamofleetError(
      'CF_UNREACHABLE',
      `session ${session.id} has no public URL: vnc_ws and vnc_http of its worker are not set`,
    );
  const url = new URL(session.vnc.ws);
  const token = url.searchParams.get('token') ?? '';
  const gateway = new URL(`ws://127.0.0.1:${input.topology.gateway.port}${ROUTES.socketPath}`);
  gateway.searchParams.set('token', token);
  const rfb = await rawTarget(token, input);
  return {
    mode,
    session: session.id,
    isTestCard: session.browser.startsWith('testcard'),
    page: new URL(session.vnc.http),
    targets: {
      public: { kind: 'socket', url, origin: input.origin ?? `https://${url.host}`, headers: input.headers },
      gateway: { kind: 'socket', url: gateway, origin: undefined, headers: {} },
      ...(rfb && mode !== 'watch-only' && { rfb }),
    },
  };
}

/** Who may read the token keys may know the RFB password. */
async function rawTarget(token: string, { paths, topology }: FleetInput): Promise<DialTarget | undefined> {
  const text = await readFile(paths.tokenKeys, 'utf8').catch(() => undefined); // not readable here: a named skip
  if (text === undefined) return undefined;
  const opened = await openToken(token, parseKeyring(text, paths.tokenKeys), {
    fleetId: topology.fleet.id,
    nowMs: Date.now(),
  });
  return opened.ok ? { kind: 'rfb', ...opened.value.target, password: opened.value.pw } : undefined;
}

/** What flags name, of any deployment. */
export function prepareGivenSubject(given: {
  readonly url: URL | undefined;
  readonly page: URL | undefined;
  readonly gateway: URL | undefined;
  readonly rfb: { readonly host: string; readonly port: number } | undefined;
  readonly password: string | undefined;
  readonly origin: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
}): Prepared {
  const { url, gateway, rfb, origin, headers } = given;
  const pageOrigin = given.page
    ? given.page.origin
    : url && `${url.protocol === 'wss:' ? 'https' : 'http'}://${url.host}`;
  const subject: Subject = {
    mode: 'still',
    session: undefined,
    isTestCard: false,
    page: given.page,
    targets: {
      ...(url && { public: { kind: 'socket', url, origin: origin ?? pageOrigin, headers } }),
      ...(gateway && { gateway: { kind: 'socket', url: gateway, origin: undefined, headers } }),
      ...(rfb && { rfb: { kind: 'rfb', ...rfb, password: given.password } }),
    },
  };
  const missing = VANTAGES.filter((vantage) => !subject.targets[vantage]);
  return {
    subjects: [subject],
    skips: missing.map((vantage) => ({
      what: `vantage ${vantage}`,
      because: `not given; pass --${vantage === 'public' ? 'url' : vantage}`,
    })),
    problem: undefined,
    touch: async () => {},
    [Symbol.asyncDispose]: async () => {},
  };
}
