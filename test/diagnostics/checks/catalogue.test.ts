import { describe, expect, test } from 'vitest';
import { type CheckResult, runChecks } from '../../../src/diagnostics/check.ts';
import { type CheckContext, catalogue } from '../../../src/diagnostics/checks/index.ts';
import type { DialFacts } from '../../../src/diagnostics/probe/facts.ts';
import type { Dialled } from '../../../src/diagnostics/probe/index.ts';
import {
  type Prepared,
  type Problem,
  type Subject,
  type Vantage,
  frontOf,
} from '../../../src/diagnostics/subjects/index.ts';
import { parseTopology } from '../../../src/topology/index.ts';

const NOW = Date.parse('2026-11-23T12:00:00.000Z');
const DAY_MS = 86_400_000;
const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';
const ACCEPT = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=';

/** What a dial of a healthy path sees. */
const OPEN: DialFacts = {
  stage: 'open',
  dns: { addresses: ['127.0.0.1'], tookMs: 1 },
  tcp: { address: '127.0.0.1', tookMs: 2 },
  tls: {
    authorized: true,
    problem: undefined,
    protocol: 'TLSv1.3',
    subject: 'localhost',
    validTo: new Date(NOW + 60.5 * DAY_MS).toISOString(),
    tookMs: 3,
  },
  http: {
    status: 101,
    headers: { 'sec-websocket-accept': ACCEPT, 'sec-websocket-protocol': 'binary' },
    body: '',
    key: KEY,
    wantedAccept: ACCEPT,
    tookMs: 4,
  },
  rfb: {
    version: '003.008',
    types: [1],
    security: 1,
    width: 1280,
    height: 720,
    name: 'desk',
    greetingMs: 1,
    initMs: 2,
  },
  frame: { pixels: 921_600, tookMs: 5 },
};

function answered(status: number, body = ''): DialFacts {
  return {
    ...OPEN,
    stage: 'http',
    failure: `answered ${status} instead of 101`,
    http: { ...OPEN.http!, status, body },
  };
}

function withHeaders(headers: Readonly<Record<string, string>>): DialFacts {
  return { ...OPEN, http: { ...OPEN.http!, headers: { ...OPEN.http!.headers, ...headers } } };
}

function withoutSubprotocol(): DialFacts {
  const { 'sec-websocket-protocol': _none, ...headers } = OPEN.http!.headers;
  return { ...OPEN, http: { ...OPEN.http!, headers } };
}

const parsed = parseTopology('version: 1\n');
const TOPOLOGY = 'topology' in parsed ? parsed.topology : undefined;
const WS = new URL('wss://localhost:8443/websockify?token=t');
const SOCKET = { kind: 'socket', url: WS, origin: undefined, headers: {} } as const;
const FLEET: Subject = {
  mode: 'still',
  session: 's',
  isTestCard: false,
  page: new URL('https://localhost:8443/vnc/s'),
  targets: {
    public: SOCKET,
    gateway: { ...SOCKET, url: new URL('ws://127.0.0.1:6900/websockify?token=t') },
    rfb: { kind: 'rfb', host: '127.0.0.1', port: 5900, password: 'p' },
  },
};

interface World {
  readonly subject?: Subject | undefined;
  /** What a dial sees, by vantage point; healthy where nothing is said. */
  readonly dials?: Partial<Record<Vantage, DialFacts>>;
  readonly policy?: string;
  readonly pageStatus?: number;
  readonly problem?: Problem;
  readonly topology?: CheckContext['topology'];
  readonly hasApi?: boolean;
}

function contextOf({
  subject,
  dials = {},
  policy = '',
  pageStatus = 200,
  problem,
  topology,
  hasApi = false,
}: World): CheckContext {
  const dial = async (_subject: Subject, vantage: Vantage): Promise<Dialled> => ({
    facts: dials[vantage] ?? OPEN,
    stream: undefined,
  });
  const front = subject ? frontOf(subject) : { vantage: 'public' as const, target: SOCKET };
  const prepared: Prepared = {
    subjects: subject ? [subject] : [],
    entrance: front,
    api: hasApi ? { saw: '1 session' } : undefined,
    isOwn: false,
    skips: [],
    problem,
    touch: async () => {},
    [Symbol.asyncDispose]: async () => {},
  };
  return {
    topology,
    prepared,
    subject,
    front: front && { ...front, dial: async () => ({ facts: dials[front.vantage] ?? OPEN, stream: undefined }) },
    now: () => NOW,
    dial,
    trials: {
      without: async () => undefined,
      leave: async () => 1,
      sizes: async () => [],
      deflate: async () => ({ agreed: false }),
    },
    page: async () => ({ status: pageStatus, type: 'text/html', policy, metaPolicy: '', frameOptions: '', assets: [] }),
    silent: async () => undefined,
    refuser: async () => undefined,
    http2: async () => ({ offered: false }),
    again: async () => [],
    takes: async () => false,
    health: [],
    askHealth: async (url) => ({ url, depth: 'HTTP', isGreen: true, saw: 'HTTP 200' }),
  };
}

async function run(world: World): Promise<CheckResult[]> {
  const deps = { monotonic: () => 0, signal: new AbortController().signal };
  return Array.fromAsync(runChecks(catalogue(), contextOf(world), deps));
}

/** What is not a pass: `id verdict: code or reason`. */
async function troubles(world: World): Promise<string[]> {
  const results = await run(world);
  return results
    .filter(({ verdict }) => verdict.status !== 'pass')
    .map(({ report: { id, hop }, verdict }) => {
      const why = 'code' in verdict ? `${verdict.code} at ${hop}` : 'because' in verdict ? verdict.because : '';
      return `${id} ${verdict.status}: ${why}`;
    });
}

/** The first thing that is no skip. */
async function first(world: World): Promise<string | undefined> {
  return (await troubles(world)).find((line) => !line.includes(' skip: '));
}

const OWN: World = { subject: FLEET, topology: TOPOLOGY, hasApi: true };
const only = (targets: Subject['targets']): World => ({
  subject: { ...FLEET, session: undefined, page: undefined, targets },
});

describe('the catalogue', () => {
  test('has every id once, and needs only what comes before', () => {
    expect(() => catalogue()).not.toThrow();
    expect(catalogue().map(({ id }) => id)).toEqual([
      'topology.rules',
      'page.scheme',
      'dns.resolves',
      'network.connects',
      'tls.trusted',
      'control.sessions',
      'control.public-url',
      'page.loads',
      'page.policy',
      'page.frame',
      'upgrade.answer',
      'upgrade.status',
      'upgrade.again',
      'upgrade.accept',
      'upgrade.subprotocol',
      'upgrade.extensions',
      'upgrade.http2',
      'rfb.greeting',
      'rfb.promptness',
      'rfb.security',
      'rfb.serverInit',
      'rfb.firstFrame',
      'testcard.readable',
      'gateway.compression',
      'gateway.desktop',
      'gateway.farewell',
      'gateway.direct',
      'runner.rfb',
      'control.health',
      'picture.seen',
    ]);
  });

  test('titles are facts', () => {
    for (const { title } of catalogue()) expect(title).not.toMatch(/^(test|check|verify)|\.$/i);
  });
});

describe('a healthy path', () => {
  test('of a fleet passes every check', async () => {
    expect(await troubles(OWN)).toEqual([]);
  });

  test('of which only the URL is known passes what can be looked at; skips name the way out', async () => {
    expect(await troubles(only({ public: SOCKET }))).toEqual([
      'page.loads skip: no page is known; pass --page',
      'gateway.direct skip: the gateway vantage is not known; pass --gateway',
      'runner.rfb skip: the rfb vantage is not known; pass --rfb',
    ]);
  });

  test('whose certificate does not say when it ends is not called ill', async () => {
    const dials = { public: { ...OPEN, tls: { ...OPEN.tls!, validTo: '' } } };
    expect(await troubles({ ...OWN, dials })).toEqual([]);
  });

  test('in the clear has no TLS to look at', async () => {
    const results = await run(only({ public: { ...SOCKET, url: new URL('ws://h/websockify') } }));
    expect(results.map(({ report }) => report.id)).not.toContain('tls.trusted');
    expect(results.find(({ report }) => report.id === 'rfb.firstFrame')?.verdict.status).toBe('pass');
  });

  test('at the gateway alone, and as raw RFB alone', async () => {
    const gateway = await run(only({ gateway: FLEET.targets.gateway! }));
    expect(gateway.filter(({ verdict }) => verdict.status === 'pass').map(({ report }) => report.id)).toContain(
      'upgrade.accept',
    );
    const raw = await run(only({ rfb: FLEET.targets.rfb! }));
    const ids = raw.filter(({ verdict }) => verdict.status === 'pass').map(({ report }) => report.id);
    expect(ids).toEqual([
      'dns.resolves',
      'network.connects',
      'rfb.greeting',
      'rfb.promptness',
      'rfb.security',
      'rfb.serverInit',
      'rfb.firstFrame',
      'runner.rfb',
      'picture.seen',
    ]);
  });
});

const refused: DialFacts = { stage: 'tcp', failure: 'ECONNREFUSED', errorCode: 'ECONNREFUSED', dns: OPEN.dns! };
const tls = (problem: string, stage: DialFacts['stage'] = 'tls'): DialFacts => ({
  ...OPEN,
  stage,
  tls: { ...OPEN.tls!, authorized: false, problem },
});
const expiring = (days: number): DialFacts => ({
  ...OPEN,
  tls: { ...OPEN.tls!, validTo: new Date(NOW + days * DAY_MS).toISOString() },
});

const FAULTS: readonly (readonly [what: string, world: World, firstTrouble: string])[] = [
  [
    'the name is not known',
    { ...OWN, dials: { public: { stage: 'dns', failure: 'ENOTFOUND' } } },
    'dns.resolves fail: CF-DNS-NAME at dns',
  ],
  [
    'the ingress does not run',
    { ...OWN, subject: undefined, problem: { kind: 'control', saw: 'ECONNREFUSED' }, dials: { public: refused } },
    'network.connects fail: CF-TRAEFIK-DOWN at traefik',
  ],
  [
    'the certificate is not trusted',
    { ...OWN, dials: { public: tls('SELF_SIGNED') } },
    'tls.trusted fail: CF-TLS-TRUST at tls',
  ],
  [
    'the certificate is not trusted, with --insecure',
    { ...OWN, dials: { public: tls('SELF_SIGNED', 'open') } },
    'tls.trusted warn: CF-TLS-TRUST at tls',
  ],
  [
    'the certificate is for another name, with --insecure',
    { ...OWN, dials: { public: tls('ERR_TLS_CERT_ALTNAME_INVALID', 'open') } },
    'tls.trusted warn: CF-TLS-NAME at tls',
  ],
  [
    'the certificate runs out in six days',
    { ...OWN, dials: { public: expiring(6.5) } },
    'tls.trusted warn: CF-TLS-EXPIRED at tls',
  ],
  [
    'control does not answer',
    { ...OWN, subject: undefined, problem: { kind: 'control', saw: '502' } },
    'control.sessions fail: CF-CONTROL-API at control',
  ],
  [
    'control refuses the key',
    { ...OWN, subject: undefined, problem: { kind: 'refused', saw: '401' } },
    'control.sessions fail: CF-CONTROL-KEY at control',
  ],
  [
    'control cannot reach the runner',
    { ...OWN, subject: undefined, problem: { kind: 'runner', saw: '502' } },
    'control.sessions fail: CF-RUNNER-API at runner',
  ],
  [
    'the runner cannot start a session',
    { ...OWN, subject: undefined, problem: { kind: 'start', saw: 'Xvfb exited' } },
    'control.sessions fail: CF-RUNNER-START at runner',
  ],
  [
    'another host is handed out',
    { ...OWN, subject: { ...FLEET, targets: { public: { ...SOCKET, url: new URL('wss://inner:1/websockify') } } } },
    'control.public-url fail: CF-CONTROL-URL at control',
  ],
  ['the page is missing', { ...OWN, pageStatus: 404 }, 'page.loads fail: CF-VIEWER-PAGE at viewer'],
  [
    'the page may open no socket',
    { ...OWN, policy: "default-src 'none'" },
    'page.policy fail: CF-VIEWER-POLICY at viewer',
  ],
  [
    'nothing answers HTTP, the gateway does',
    { ...OWN, dials: { public: { ...OPEN, stage: 'http', http: undefined } as unknown as DialFacts } },
    'upgrade.answer fail: CF-TRAEFIK-SILENT at traefik',
  ],
  ['no route', { ...OWN, dials: { public: answered(404) } }, 'upgrade.status fail: CF-TRAEFIK-ROUTE at traefik'],
  [
    'the gateway is down',
    { ...OWN, dials: { public: answered(502), gateway: refused } },
    'upgrade.status fail: CF-GATEWAY-DOWN at gateway',
  ],
  [
    'the ingress looks for the gateway elsewhere',
    { ...OWN, dials: { public: answered(502) } },
    'upgrade.status fail: CF-TRAEFIK-BACKEND at traefik',
  ],
  [
    'a wrong token',
    { ...OWN, dials: { public: answered(401, '{"code":"token_invalid"}') } },
    'upgrade.status fail: CF-GATEWAY-TOKEN at gateway',
  ],
  [
    'a wrong Accept of the gateway',
    {
      ...OWN,
      dials: {
        public: withHeaders({ 'sec-websocket-accept': 'x' }),
        gateway: withHeaders({ 'sec-websocket-accept': 'x' }),
      },
    },
    'upgrade.accept fail: CF-GATEWAY-UPGRADE at gateway',
  ],
  [
    'a wrong Accept where the gateway itself has the right one',
    { ...OWN, dials: { public: withHeaders({ 'sec-websocket-accept': 'x' }) } },
    'upgrade.accept fail: CF-EDGE-UPGRADE at edge',
  ],
  [
    'no subprotocol',
    { ...OWN, dials: { public: withoutSubprotocol(), gateway: withoutSubprotocol() } },
    'upgrade.subprotocol warn: CF-GATEWAY-SUBPROTOCOL at gateway',
  ],
  [
    'an extension that nobody offered',
    { ...OWN, dials: { public: withHeaders({ 'sec-websocket-extensions': 'permessage-deflate' }) } },
    'upgrade.extensions fail: CF-GATEWAY-UPGRADE at gateway',
  ],
  [
    'a 101 that is none',
    { ...OWN, dials: { public: { ...OPEN, stage: 'upgrade', failure: 'switched to h2c' } } },
    'rfb.greeting fail: CF-GATEWAY-UPGRADE at gateway',
  ],
  [
    'no greeting',
    { ...OWN, dials: { public: { ...OPEN, stage: 'greeting', stop: 'silence' } } },
    'rfb.greeting fail: CF-RUNNER-SILENT at runner',
  ],
  [
    'a wrong password',
    { ...OWN, dials: { public: { ...OPEN, stage: 'security', stop: 'refused' } } },
    'rfb.security fail: CF-RUNNER-AUTH at runner',
  ],
  [
    'no ServerInit',
    { ...OWN, dials: { public: { ...OPEN, stage: 'serverInit' } } },
    'rfb.serverInit fail: CF-RUNNER-FRAME at runner',
  ],
  [
    'no frame',
    { ...OWN, dials: { public: { ...OPEN, stage: 'frame' } } },
    'rfb.firstFrame fail: CF-RUNNER-FRAME at runner',
  ],
  ['the raw port refuses', { ...OWN, dials: { rfb: refused } }, 'runner.rfb fail: CF-RUNNER-REFUSED at runner'],
];

describe('a fault is the first thing that is no pass', () => {
  test.each(FAULTS)('%s', async (_what, world, expected) => {
    expect(await first(world)).toBe(expected);
  });

  test('and what lies behind it is skipped, not failed', async () => {
    const lines = await troubles({ ...OWN, dials: { public: answered(404) } });
    expect(lines.filter((line) => line.includes(' fail: '))).toHaveLength(1);
    expect(lines).toContain('rfb.greeting skip: upgrade.status did not pass');
  });

  test('a refusal is told with the words of its document', async () => {
    const body =
      '{"status":401,"title":"Unauthorized","detail":"the token has expired","code":"token_expired","requestId":"r"}';
    const results = await run({ ...OWN, dials: { public: answered(401, body) } });
    expect(results.find(({ report }) => report.id === 'upgrade.status')?.report.saw).toBe(
      'answered 401 instead of 101: token_expired: the token has expired',
    );
  });

  test('every rule of the topology that is broken is told', async () => {
    const broken = parseTopology('gateway: { pingIntervalMs: 50000, writeTimeoutMs: 30000 }\n');
    const results = await run({ ...OWN, topology: 'topology' in broken ? broken.topology : undefined });
    const { verdict, saw } = results.find(({ report }) => report.id === 'topology.rules')!.report;
    expect(verdict).toBe('fail');
    expect(saw).toMatch(/^gateway\.\w+: .*; broken as well: topology\./);
  });
});

describe('what is nobody’s fault', () => {
  const locked = (why: 'password' | 'types'): DialFacts => ({
    ...OPEN,
    stage: 'security',
    stop: 'refused',
    rfb: { version: '003.008', types: [2], noCommonSecurity: why, greetingMs: 1 },
  });

  test('no free slot is a skip, and a run that sees no picture for it is unknown', async () => {
    const lines = await troubles({
      ...OWN,
      subject: undefined,
      problem: { kind: 'full', saw: 'every worker is full' },
    });
    expect(lines).toContain('control.sessions skip: no free slot: every worker is full');
    expect(lines).toContain('picture.seen unknown: there is no session to look at: no free slot: every worker is full');
    expect(lines.join()).not.toMatch(/ fail: | warn: /);
  });

  test('a password that is not known: the security types are seen, what lies behind is skipped', async () => {
    const world = {
      ...only({ rfb: { kind: 'rfb', host: '127.0.0.1', port: 5900, password: undefined } }),
      dials: { rfb: locked('password') },
    };
    const lines = await troubles(world);
    const because = 'the RFB server wants a password, and none is known here; pass --password-file';
    expect(lines).toEqual([
      'page.loads skip: no page is known; pass --page',
      `rfb.security skip: ${because}`,
      'rfb.serverInit skip: rfb.security did not pass',
      'rfb.firstFrame skip: rfb.serverInit did not pass',
      'gateway.direct skip: the gateway vantage is not known; pass --gateway',
      `runner.rfb skip: ${because}`,
      `picture.seen unknown: ${because}`,
    ]);
  });

  test('security types that verify does not speak', async () => {
    const lines = await troubles({ ...only({ public: SOCKET }), dials: { public: locked('types') } });
    expect(lines).toContain('rfb.security skip: verify speaks none of the security types on offer: 2');
    expect(lines.join()).not.toMatch(/ fail: | warn: /);
  });

  test('a raw port that does not answer from here, beside a public stream that shows the picture', async () => {
    const lines = await troubles({ ...OWN, dials: { rfb: { stage: 'tcp', failure: 'waited in vain' } } });
    expect(lines).toEqual([
      'rfb.promptness skip: no greeting came from the runner itself',
      'gateway.desktop skip: one of the two shows no desktop',
      'runner.rfb skip: the picture comes in front; the rfb vantage does not answer from here',
    ]);
  });

  test('a raw port without its password beside a public stream that shows the picture', async () => {
    const lines = await troubles({ ...OWN, dials: { rfb: locked('password') } });
    expect(lines).toEqual([
      'gateway.desktop skip: one of the two shows no desktop',
      'runner.rfb skip: the RFB server wants a password, and none is known here; pass --password-file',
    ]);
  });
});
