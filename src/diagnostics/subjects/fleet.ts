import type { PublicSession } from '../../api/index.js';
import { urlHost } from '../../core/index.js';
import { ROUTES, publicOrigin } from '../../topology/index.js';
import type { FleetClient } from '../fleet-client.js';
import type { FleetEvidence, VerifiedFleet } from '../options.js';
import type { DialTarget } from '../probe/dial.js';
import { rawTarget } from './raw-target.js';
import { type Shown, findSession, makeSessions, releaseSessions } from './sessions.js';
import type { Front, Mode, Prepared, Problem, Subject } from './subject.js';

interface FleetInput {
  readonly client: FleetClient;
  /** Undefined when only the API is known: what it hands out is then dialled at its public URL alone. */
  readonly fleet: VerifiedFleet | undefined;
  readonly run: string;
  readonly modes: readonly Mode[];
  /** This session instead of own ones. */
  readonly session: string | undefined;
  readonly origin: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
  /** Told of a session that could not be removed. */
  readonly onLeft: (session: string, because: string) => void;
}

/**
 * Sessions of a fleet: the one that is named, or own ones, made now and removed with the scope. What goes wrong is the
 * `problem`; throws CF_USAGE when no session has the name.
 */
export async function prepareFleet(input: FleetInput): Promise<Prepared> {
  const { client, session: wanted } = input;
  const owned: PublicSession[] = [];
  await using scope = new AsyncDisposableStack();
  scope.defer(() => releaseSessions(client, owned, input.onLeft));
  const found =
    wanted === undefined ? await makeSessions(input, owned) : await findSession(client, wanted, input.modes);
  const subjects = await Promise.all(found.shown.flatMap((shown) => subjectOf(shown, input) ?? []));
  const sessions = new Set(subjects.map(({ session }) => session)).size;
  const owner = scope.move();
  return {
    subjects,
    entrance: entranceOf(input),
    api: { saw: `${sessions} ${sessions === 1 ? 'session' : 'sessions'}`, at: client.baseUrl },
    isOwn: wanted === undefined,
    skips: [...found.skips, ...missingVantages(subjects, input)],
    problem: found.problem ?? withoutUrl(found.shown),
    touch: async () =>
      void (await Promise.all(owned.map(({ worker, id }) => client.touch(worker, id).catch(() => undefined)))), // its end is told by the streams
    [Symbol.asyncDispose]: () => owner.disposeAsync(),
  };
}

function withoutUrl(shown: readonly Shown[]): Problem | undefined {
  const bare = shown.find(({ session }) => !session.vnc);
  if (!bare) return undefined;
  const { id } = bare.session;
  return {
    kind: 'control',
    saw: `session ${id} has no public URL: it has no picture, or vnc_ws and vnc_http of its worker are not set`,
  };
}

function subjectOf({ mode, session }: Shown, input: FleetInput): Promise<Subject> | undefined {
  const { vnc } = session;
  return vnc ? subjectAt(mode, session, vnc, input) : undefined;
}

async function subjectAt(
  mode: Mode,
  session: PublicSession,
  vnc: NonNullable<PublicSession['vnc']>,
  { fleet, origin, headers }: FleetInput,
): Promise<Subject> {
  const url = new URL(vnc.ws);
  const token = url.searchParams.get('token') ?? '';
  const raw = fleet && reachesRunners(fleet) && mode !== 'watch-only' ? await rawTarget(token, fleet) : undefined;
  return {
    mode,
    session: session.id,
    isTestCard: session.browser.startsWith('testcard'),
    page: new URL(vnc.http),
    targets: {
      public: { kind: 'socket', url, origin: origin ?? new URL(vnc.http).origin, headers },
      ...gatewayTarget(token, fleet),
      ...(raw && { rfb: raw }),
    },
  };
}

function gatewayTarget(token: string, fleet: VerifiedFleet | undefined): { readonly gateway?: DialTarget } {
  const place = fleet && placeOfGateway(fleet);
  if (!place) return {};
  const url = new URL(`ws://${urlHost(place.host)}:${place.port}${ROUTES.socketPath}`);
  url.searchParams.set('token', token);
  return { gateway: { kind: 'socket', url, origin: undefined, headers: {} } };
}

function placeOfGateway({ evidence, topology }: VerifiedFleet): FleetEvidence['gateway'] {
  return evidence ? evidence.gateway : { host: '127.0.0.1', port: topology.gateway.port };
}

function reachesRunners({ evidence }: VerifiedFleet): boolean {
  return evidence?.reachesRunners ?? true;
}

function entranceOf({ fleet, origin, headers }: FleetInput): Front | undefined {
  if (!fleet) return undefined;
  const at = publicOrigin(fleet.topology);
  const url = new URL(`${at.replace(/^https/, 'wss')}${ROUTES.socketPath}`);
  return { vantage: 'public', target: { kind: 'socket', url, origin: origin ?? at, headers } };
}

function missingVantages(subjects: readonly Subject[], { fleet }: FleetInput): Prepared['skips'] {
  if (!fleet) {
    const because = 'only the API is known here; run verify in the folder of the fleet';
    return [
      { what: 'vantage gateway', because },
      { what: 'vantage rfb', because },
    ];
  }
  const gateway = placeOfGateway(fleet)
    ? []
    : [{ what: 'vantage gateway', because: 'no gateway runs, or its network cannot be reached from here' }];
  if (subjects.every(({ mode, targets }) => mode === 'watch-only' || targets.rfb)) return gateway;
  const because = reachesRunners(fleet)
    ? `${fleet.paths.tokenKeys} cannot be used here, so the RFB password is not known`
    : 'the runners are on a network that reaches containers alone';
  return [...gateway, { what: 'vantage rfb', because }];
}
