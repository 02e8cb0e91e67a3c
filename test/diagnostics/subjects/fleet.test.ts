import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { CreateSession, PublicSession } from '../../../src/api/index.ts';
import { CamofleetError } from '../../../src/core/index.ts';
import { openFleetClient } from '../../../src/diagnostics/fleet-client.ts';
import { MODES, type Mode, type Prepared, prepareFleet } from '../../../src/diagnostics/subjects/index.ts';
import { createKeyFile, parseKeyring, sealToken } from '../../../src/tokens/index.ts';
import { fleetPaths, parseTopology } from '../../../src/topology/index.ts';
import { readFileSync } from 'node:fs';

const parsed = parseTopology('version: 1\n');
if (!('topology' in parsed)) throw new Error('the smallest topology is not taken');
const { topology } = parsed;

type Answer = { readonly status: number; readonly body?: unknown; readonly afterMs?: number };
/** Answers to `METHOD /path`, or to `POST /sessions <browser>`. */
type Script = Readonly<Record<string, Answer>>;

/** An API of control that keeps to a script; what it does not say works. */
class Api implements AsyncDisposable {
  readonly requests: string[] = [];
  readonly sessions = new Map<string, PublicSession>();
  readonly created: CreateSession[] = [];
  readonly #server: Server;
  browsers: readonly string[] = ['testcard', 'none'];
  token = 'token';

  constructor(private readonly script: Script) {
    this.#server = createServer((request, response) => void this.#answer(request, response));
  }

  async listen(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return this;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  session(id: string, browser: string, labels: Record<string, string> = {}): PublicSession {
    return {
      worker: 'w',
      id,
      status: 'ready',
      created_at: '',
      last_seen_at: '',
      browser,
      headless: false,
      idle_ttl_seconds: 60,
      labels,
      ws_endpoint: null,
      vnc_enabled: true,
      start_url_wait: 'load',
      vnc: {
        ws: `wss://localhost:8443/websockify?token=${this.token}`,
        http: `https://localhost:8443/vnc/${id}#token=${this.token}`,
        password_protected: false,
      },
    };
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = chunks.length > 0 ? (JSON.parse(Buffer.concat(chunks).toString()) as CreateSession) : {};
    const name = `${request.method} ${request.url}${body.browser === undefined ? '' : ` ${body.browser}`}`;
    this.requests.push(name);
    const scripted = this.script[name];
    if (scripted?.afterMs) await new Promise((resolve) => setTimeout(resolve, scripted.afterMs));
    const { status, body: answer } = scripted && scripted.status !== 200 ? scripted : this.#usual(request, body);
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(answer === undefined ? '' : typeof answer === 'string' ? answer : JSON.stringify(answer));
  }

  #usual({ method, url = '' }: IncomingMessage, body: CreateSession): Answer {
    if (url === '/workers')
      return {
        status: 200,
        body: [
          {
            name: 'w',
            supports_vnc: true,
            reachable: true,
            age_seconds: 0,
            sessions: 0,
            capacity: 9,
            browsers: this.browsers,
            error: null,
          },
        ],
      };
    if (method === 'POST' && url === '/sessions') {
      const session = this.session(`s${this.sessions.size + 1}`, body.browser ?? '', body.labels);
      this.created.push(body);
      this.sessions.set(session.id, session);
      return { status: 201, body: session };
    }
    if (url === '/sessions') return { status: 200, body: [...this.sessions.values()] };
    const id = /\/sessions\/w\/([^/?]+)/.exec(url)?.[1] ?? '';
    const session = this.sessions.get(id);
    if (!session) return { status: 404, body: problem(404, 'not_found') };
    if (method !== 'DELETE') return { status: 200, body: session };
    this.sessions.delete(id);
    return { status: 204 };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

function problem(status: number, code: string, detail = 'because'): object {
  return { status, title: 'x', detail, code, requestId: 'r' };
}

const FULL = { status: 503, body: problem(503, 'CF_SLOTS_EXHAUSTED', 'every worker is full') };

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'camofleet-subjects-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

interface Asked {
  readonly modes?: readonly Mode[];
  readonly session?: string;
  readonly hasFleet?: boolean;
  readonly left?: string[];
}

async function prepare(
  api: Api,
  { modes = MODES, session, hasFleet = true, left = [] }: Asked = {},
): Promise<Prepared> {
  const paths = { ...fleetPaths(dir), tokenKeys: join(dir, 'keys.json') };
  return prepareFleet({
    client: openFleetClient({ baseUrl: api.url, headers: {}, ca: undefined, insecure: false, resolve: new Map() }),
    fleet: hasFleet ? { topology, paths } : undefined,
    run: 'the-run',
    modes,
    session,
    origin: undefined,
    headers: {},
    onLeft: (id, because) => left.push(`${id}: ${because}`),
  });
}

const shown = ({ subjects }: Prepared): string[] =>
  subjects.map(({ mode, session, targets }) => `${mode} ${session} ${Object.keys(targets).join('+')}`);

describe('sessions of verify', () => {
  test('are a real display for the still screen and a test card for the moving one, labelled and short-lived', async () => {
    await using api = await new Api({}).listen();
    await using prepared = await prepare(api);
    expect(api.created.map(({ browser = '' }) => browser).toSorted()).toEqual(['none', 'testcard']);
    for (const { labels, idle_ttl_seconds } of api.created) {
      expect(labels).toEqual({ 'camofleet.verify': 'the-run' });
      expect(idle_ttl_seconds).toBe(60);
    }
    expect(prepared).toMatchObject({ isOwn: true, problem: undefined, api: { saw: '2 sessions' } });
    expect(prepared.subjects.map(({ mode, isTestCard }) => `${mode} ${isTestCard}`)).toEqual([
      'still false',
      'moving true',
      'watch-only true',
    ]);
    expect(api.requests).toContain(`GET /sessions/w/${prepared.subjects[2]!.session}?rights=view`);
  });

  test('are a still card where no real display can be had', async () => {
    await using api = await new Api({}).listen();
    api.browsers = ['testcard'];
    await using prepared = await prepare(api, { modes: ['still'] });
    expect(api.created.map(({ browser }) => browser)).toEqual(['testcard-still']);
    expect(prepared.subjects).toMatchObject([{ mode: 'still', isTestCard: true }]);
  });

  test.each<readonly [readonly Mode[], readonly string[]]>([
    [['still'], ['none']],
    [['moving'], ['testcard']],
    [['watch-only'], ['testcard']],
    [['moving', 'watch-only'], ['testcard']],
  ])('for %j alone are no more than that needs', async (modes, browsers) => {
    await using api = await new Api({}).listen();
    await using prepared = await prepare(api, { modes });
    expect(api.created.map(({ browser }) => browser)).toEqual(browsers);
    expect(prepared.subjects.map(({ mode }) => mode)).toEqual(modes);
  });

  test('are removed with the scope, once', async () => {
    await using api = await new Api({}).listen();
    const left: string[] = [];
    const prepared = await prepare(api, { left });
    await prepared[Symbol.asyncDispose]();
    await prepared[Symbol.asyncDispose]();
    expect(api.sessions.size).toBe(0);
    expect(api.requests.filter((name) => name.startsWith('DELETE'))).toHaveLength(2);
    expect(left).toEqual([]);
  });

  test('that ended by themselves are no trouble; those that cannot be removed are named', async () => {
    await using api = await new Api({ 'DELETE /sessions/w/s1': { status: 502, body: 'Bad Gateway' } }).listen();
    const left: string[] = [];
    const prepared = await prepare(api, { left });
    api.sessions.delete('s2');
    await prepared[Symbol.asyncDispose]();
    expect(left).toEqual([expect.stringMatching(/^s1: .*502.*it ends by itself after 60 s without viewers$/)]);
  });

  test('are kept alive by touching, and a touch that fails is told by the streams', async () => {
    await using api = await new Api({ 'POST /sessions/w/s1/touch': { status: 502 } }).listen();
    await using prepared = await prepare(api);
    await prepared.touch();
    expect(api.requests.filter((name) => name.endsWith('/touch')).toSorted()).toEqual([
      'POST /sessions/w/s1/touch',
      'POST /sessions/w/s2/touch',
    ]);
  });

  test('one that is made late, after the other has failed, is removed as well', async () => {
    await using api = await new Api({
      'POST /sessions none': { status: 502, body: problem(502, 'CF_SERVICE_EXITED', 'Xvfb exited') },
      'POST /sessions testcard': { status: 200, afterMs: 150 },
    }).listen();
    const prepared = await prepare(api);
    expect(prepared.problem).toEqual({ kind: 'start', saw: expect.stringContaining('Xvfb exited') });
    expect(api.sessions.size).toBe(1);
    await prepared[Symbol.asyncDispose]();
    expect(api.sessions.size).toBe(0);
  });
});

describe('when sessions cannot be had', () => {
  test('no free slot at all is a problem of its own kind', async () => {
    await using api = await new Api({ 'POST /sessions none': FULL, 'POST /sessions testcard': FULL }).listen();
    await using prepared = await prepare(api);
    expect(prepared.problem).toEqual({ kind: 'full', saw: expect.stringContaining('every worker is full') });
    expect(prepared.subjects).toEqual([]);
  });

  test('no free slot for one of two is a skip of that one', async () => {
    await using api = await new Api({ 'POST /sessions none': FULL }).listen();
    await using prepared = await prepare(api);
    expect(prepared.problem).toBeUndefined();
    expect(prepared.subjects.map(({ mode }) => mode)).toEqual(['moving', 'watch-only']);
    expect(prepared.skips).toContainEqual({
      what: 'the still screen',
      because: expect.stringMatching(/^no free slot: .*; end a session, or raise runner.maxSessions$/),
    });
  });

  test.each<readonly [string, Answer, NonNullable<Prepared['problem']>['kind']]>([
    ['the key is refused', { status: 401, body: problem(401, 'unauthorized') }, 'refused'],
    ['no worker can be reached', { status: 502, body: problem(502, 'CF_UNREACHABLE') }, 'runner'],
    ['the runner misses a program', { status: 500, body: problem(500, 'CF_COMPONENT_MISSING') }, 'start'],
    ['control fails', { status: 500, body: problem(500, 'internal') }, 'control'],
    ['no worker has such a browser', { status: 400, body: problem(400, 'CF_USAGE') }, 'control'],
    ['the ingress cannot reach control', { status: 502, body: 'Bad Gateway' }, 'control'],
    [
      'the ingress has no server for control: no free slot is something else',
      { status: 503, body: 'no available server' },
      'control',
    ],
    ['a stranger answers with a page', { status: 201, body: '<html>' }, 'control'],
    ['a stranger answers with JSON', { status: 201, body: { id: 7 } }, 'control'],
  ])('%s', async (_what, answer, kind) => {
    await using api = await new Api({ 'POST /sessions testcard': answer }).listen();
    await using prepared = await prepare(api, { modes: ['moving'] });
    expect(prepared.problem?.kind).toBe(kind);
    expect(prepared.problem?.saw).not.toBe('');
  });

  test('an API that is not there', async () => {
    const api = await new Api({}).listen();
    const { url } = api;
    await api[Symbol.asyncDispose]();
    const client = openFleetClient({ baseUrl: url, headers: {}, ca: undefined, insecure: false, resolve: new Map() });
    await expect(client.workers()).rejects.toThrow(/does not answer: .*ECONNREFUSED/);
  });
});

describe('a session that is named', () => {
  test('is watched, and never removed', async () => {
    await using api = await new Api({}).listen();
    api.sessions.set('mine', api.session('mine', 'testcard'));
    const prepared = await prepare(api, { session: 'mine' });
    expect(shown(prepared)).toEqual(['moving mine public+gateway', 'watch-only mine public+gateway']);
    expect(prepared.isOwn).toBe(false);
    await prepared[Symbol.asyncDispose]();
    expect(api.sessions.size).toBe(1);
  });

  test('is watched in the modes that are wanted', async () => {
    await using api = await new Api({}).listen();
    api.sessions.set('mine', api.session('mine', 'chromium'));
    await using still = await prepare(api, { session: 'mine', modes: ['still'] });
    await using watched = await prepare(api, { session: 'mine', modes: ['watch-only'] });
    expect([still, watched].map(({ subjects }) => subjects.map(({ mode }) => mode))).toEqual([
      ['still'],
      ['watch-only'],
    ]);
  });

  test('and does not exist is a mistake of the one who asked', async () => {
    await using api = await new Api({}).listen();
    const failure = await prepare(api, { session: 'nobody' }).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(CamofleetError);
    expect(failure).toMatchObject({ code: 'CF_USAGE', message: expect.stringContaining('"nobody"') });
  });

  test('and has no public URL is a problem of control', async () => {
    await using api = await new Api({}).listen();
    api.sessions.set('bare', { ...api.session('bare', 'chromium'), vnc: null });
    await using prepared = await prepare(api, { session: 'bare', modes: ['still'] });
    expect(prepared.problem).toEqual({
      kind: 'control',
      saw: expect.stringContaining('session bare has no public URL'),
    });
    expect(prepared.subjects).toEqual([]);
  });
});

describe('the raw vantage point', () => {
  test('is known to who may read the token keys', async () => {
    await createKeyFile(join(dir, 'keys.json'));
    const keyring = parseKeyring(readFileSync(join(dir, 'keys.json'), 'utf8'), 'keys');
    await using api = await new Api({}).listen();
    api.token = await sealToken(
      {
        aud: topology.fleet.id,
        sid: 's1',
        jti: 'j',
        sub: 'operator',
        rights: 'control',
        target: { host: '127.0.0.9', port: 5907 },
        pw: 'canarypw',
        iat: Math.floor(Date.now() / 1000),
        exp: Math.floor(Date.now() / 1000) + 60,
      },
      keyring,
    );
    await using prepared = await prepare(api, { modes: ['still'] });
    expect(prepared.subjects[0]!.targets.rfb).toEqual({
      kind: 'rfb',
      host: '127.0.0.9',
      port: 5907,
      password: 'canarypw',
    });
    expect(prepared.skips).toEqual([]);
  });

  test.each([
    ['cannot be read', undefined],
    ['is no key file', 'nonsense'],
    ['has other keys', JSON.stringify({ active: 'k', keys: { k: Buffer.alloc(32).toString('base64url') } })],
  ])('is a named skip where the key file %s', async (_what, text) => {
    if (text !== undefined) writeFileSync(join(dir, 'keys.json'), text);
    await using api = await new Api({}).listen();
    await using prepared = await prepare(api);
    expect(prepared.skips).toEqual([
      {
        what: 'vantage rfb',
        because: expect.stringMatching(/keys\.json cannot be used here, so the RFB password is not known$/),
      },
    ]);
  });
});

test('where only the API is known, what it hands out is looked at from outside', async () => {
  await using api = await new Api({}).listen();
  await using prepared = await prepare(api, { hasFleet: false, modes: ['moving'] });
  expect(shown(prepared)).toEqual(['moving s1 public']);
  expect(prepared.entrance).toBeUndefined();
  expect(prepared.skips.map(({ what }) => what)).toEqual(['vantage gateway', 'vantage rfb']);
});
