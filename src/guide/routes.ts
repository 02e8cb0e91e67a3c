/** Who may use a route, in the words of routes.csv. */
type Auth = 'none' | 'session token' | 'open id' | 'operator key' | 'service key' | 'RFB password';

/** One route of a service, at the service itself: what an ingress puts before the path is the topology's business. */
export interface ServiceRoute {
  readonly service: 'gateway' | 'control' | 'runner' | 'x11vnc';
  /** The listener that others dial, or the one for metrics and administration. */
  readonly listener: 'port' | 'internalPort' | 'rfb';
  readonly method: 'GET' | 'POST' | 'DELETE' | 'RFB';
  /** `{name}` stands for a value. */
  readonly path: string;
  readonly auth: Auth;
  /** A socket stays open: other timers count than for an answer. */
  readonly kind: 'answer' | 'socket' | 'events' | 'picture';
  /** What the ingress passes on: under the path itself, under the prefix of the API, or not at all. */
  readonly reach: 'public' | 'api' | 'internal';
  readonly note: string;
}

const gateway = { service: 'gateway', listener: 'port' } as const;
const control = { service: 'control', listener: 'port' } as const;
const controlInternal = { service: 'control', listener: 'internalPort', reach: 'internal' } as const;
const runner = { service: 'runner', listener: 'port', reach: 'internal', auth: 'service key' } as const;
const answer = { method: 'GET', kind: 'answer' } as const;
const open = { auth: 'none', reach: 'public' } as const;
const operated = { auth: 'operator key', reach: 'api' } as const;

/** Every route of every service. A test holds it against the services' own tables. */
export const SERVICE_ROUTES: readonly ServiceRoute[] = [
  { ...gateway, ...answer, ...open, path: '/vnc/{id}', note: 'viewer page; the token travels in the fragment' },
  { ...gateway, ...answer, ...open, path: '/vnc/~assets/{name}', note: 'noVNC and the page itself' },
  {
    ...gateway,
    method: 'GET',
    path: '/websockify?token={token}',
    auth: 'session token',
    kind: 'socket',
    reach: 'public',
    note: 'with Upgrade: the picture; without: what an upgrade would be told, as JSON',
  },
  {
    ...gateway,
    method: 'GET',
    path: '/vnc/{id}/websockify',
    auth: 'open id',
    kind: 'socket',
    reach: 'public',
    note: 'the picture of an open identity; no such id: 404; without Upgrade: 426',
  },
  {
    ...gateway,
    method: 'POST',
    path: '/vnc/{id}/token',
    auth: 'session token',
    kind: 'answer',
    reach: 'public',
    note: 'renews the token of a page whose socket is open (bearer)',
  },
  { ...gateway, ...answer, path: '/healthz', auth: 'none', reach: 'internal', note: 'the process answers' },
  { ...gateway, ...answer, path: '/readyz', auth: 'none', reach: 'internal', note: '503 from SIGTERM on' },
  {
    ...gateway,
    ...answer,
    listener: 'internalPort',
    path: '/metrics',
    auth: 'none',
    reach: 'internal',
    note: 'Prometheus',
  },
  {
    ...gateway,
    listener: 'internalPort',
    method: 'POST',
    path: '/admin/drain',
    auth: 'none',
    kind: 'answer',
    reach: 'internal',
    note: 'stop taking sockets, tell viewers to connect again',
  },
  { ...control, ...answer, ...open, path: '/', note: 'leads to the fleet page' },
  { ...control, ...answer, ...open, path: '/ui', note: 'leads to the fleet page' },
  { ...control, ...answer, ...open, path: '/ui/', note: 'fleet page; it holds no data' },
  { ...control, ...answer, ...open, path: '/ui/config.json', note: 'where the API lies' },
  { ...control, ...answer, ...open, path: '/ui/~assets/{name}', note: 'parts of the fleet page' },
  { ...control, ...answer, path: '/health', auth: 'none', reach: 'api', note: 'the process answers' },
  { ...control, ...answer, path: '/openapi.json', auth: 'none', reach: 'api', note: 'OpenAPI 3.1 of this API' },
  { ...control, ...answer, ...operated, path: '/workers', note: 'runners, and how they are' },
  { ...control, ...answer, ...operated, path: '/sessions', note: 'all sessions, with public URLs' },
  { ...control, ...answer, ...operated, method: 'POST', path: '/sessions', note: 'creates a session' },
  {
    ...control,
    ...answer,
    ...operated,
    path: '/sessions/{worker}/{id}',
    note: 'one session; ?rights=view for a link to watch',
  },
  { ...control, ...answer, ...operated, method: 'DELETE', path: '/sessions/{worker}/{id}', note: 'ends it' },
  {
    ...control,
    ...answer,
    ...operated,
    method: 'POST',
    path: '/sessions/{worker}/{id}/touch',
    note: 'keeps it from idling out',
  },
  {
    ...control,
    ...answer,
    ...operated,
    method: 'POST',
    path: '/sessions/{worker}/{id}/revoke',
    note: 'takes rights back',
  },
  { ...controlInternal, ...answer, path: '/metrics', auth: 'none', note: 'Prometheus' },
  {
    ...controlInternal,
    ...answer,
    path: '/ingress/gateways',
    auth: 'none',
    note: 'for Traefik: every gateway behind the shared name, and which of them take sockets',
  },
  {
    ...controlInternal,
    method: 'GET',
    path: '/internal/gateways/{gateway}/events',
    auth: 'service key',
    kind: 'events',
    note: 'event stream to a gateway: ends and revocations',
  },
  {
    ...controlInternal,
    ...answer,
    method: 'POST',
    path: '/internal/gateways/{gateway}/viewers',
    auth: 'service key',
    note: 'who watches',
  },
  {
    ...controlInternal,
    ...answer,
    method: 'POST',
    path: '/internal/tokens/redeem',
    auth: 'service key',
    note: 'a token that is good once',
  },
  {
    ...controlInternal,
    ...answer,
    method: 'POST',
    path: '/internal/tokens/viewed',
    auth: 'service key',
    note: 'may this token be renewed',
  },
  { ...runner, ...answer, path: '/health', note: 'capacity, browsers, what is missing' },
  { ...runner, ...answer, path: '/sessions', note: 'its sessions, with targets and passwords' },
  { ...runner, ...answer, method: 'POST', path: '/sessions', note: 'starts display, x11vnc and browser' },
  { ...runner, ...answer, path: '/sessions/{id}', note: 'one session' },
  { ...runner, ...answer, method: 'DELETE', path: '/sessions/{id}', note: 'releases it' },
  { ...runner, ...answer, method: 'POST', path: '/sessions/{id}/touch', note: 'somebody watches it' },
  { ...runner, method: 'GET', path: '/events', kind: 'events', note: 'event stream to control: what ended' },
  { ...runner, ...answer, listener: 'internalPort', auth: 'none', path: '/metrics', note: 'Prometheus' },
  {
    ...runner,
    ...answer,
    listener: 'internalPort',
    auth: 'none',
    path: '/readyz',
    note: 'whether every session is what it should be',
  },
  {
    service: 'x11vnc',
    listener: 'rfb',
    method: 'RFB',
    path: '',
    auth: 'RFB password',
    kind: 'picture',
    reach: 'internal',
    note: 'one port a session; the gateway alone dials it, and answers the password itself',
  },
];
