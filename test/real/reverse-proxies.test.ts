/** The configurations of docs/novnc/reverse-proxy.md, cut out of the page and given to the real programs. */
import { cpSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { get } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse, parseDocument } from 'yaml';
import { parseEdgeLog } from '../../src/diagnostics/logs/edge.ts';
import { localSubject, renderGuide } from '../../src/guide/index.ts';
import { type Stage, openStage } from '../../src/lab/stage.ts';
import type { Report } from '../../src/report/index.ts';
import { fleetPaths } from '../../src/topology/index.ts';
import { blocksOf } from '../guide/support/blocks.ts';
import { lacks } from '../support/components.ts';
import { type Fleet, newFleet } from '../support/fleet.ts';
import { packageTemplates, topologyOf } from '../topology/support/topology.ts';

const ENTRY_POINT = join(import.meta.dirname, '..', '..', 'bin', 'run.js');
const HOLD_S = 120;
const TIMEOUT_MS = (HOLD_S + 120) * 1_000;
/** Of a stream that says nothing: its opening, and the last look. */
const EDGES_MS = 3_000;

type Program = 'traefik' | 'nginx' | 'haproxy' | 'caddy';

interface Proxy {
  readonly port: number;
  /** What it has logged so far. */
  readonly log: () => string;
}

let fleet: Fleet;
let stage: Stage;

/** A folder with the certificates of the fleet, and the blocks of the page as a reader with this fleet would see it. */
async function extractsFor(program: Program, port: number) {
  const root = join(stage.folder, program);
  const paths = fleetPaths(root);
  mkdirSync(paths.logs, { recursive: true });
  cpSync(fleetPaths(fleet.dir).pki, paths.pki, { recursive: true });
  const document = parseDocument(readFileSync(join(fleet.dir, 'camofleet.yaml'), 'utf8'));
  document.setIn(['public', 'port'], port);
  const guide = renderGuide(localSubject(topologyOf(document.toString()), await packageTemplates(), paths));
  const page = guide.find(({ path }) => path.endsWith('/reverse-proxy.md'))!.text;
  const blocks = blocksOf(page);
  return { root, paths, block: (name: string): string => blocks.get(name)! };
}

const START: Readonly<Record<Program, (port: number) => Promise<Proxy>>> = {
  traefik: async (port) => {
    const { paths, block } = await extractsFor('traefik', port);
    const file = await stage.file('traefik.yaml', block('traefik.yaml'));
    const { directory } = (parse(block('traefik.yaml')) as { providers: { file: { directory: string } } }).providers
      .file;
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, 'camofleet.yaml'), block('dynamic/camofleet.yaml'));
    await stage.start({ program: 'traefik', args: [`--configfile=${file}`], port });
    return { port, log: () => readFileSync(paths.accessLog, 'utf8') };
  },
  nginx: async (port) => {
    const { root, block } = await extractsFor('nginx', port);
    const extract = await stage.file('camofleet.conf', block('camofleet.conf'));
    const folders = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
      (name) => `${name}_temp_path ${root}/${name};`,
    );
    const around = `daemon off; pid ${root}/nginx.pid; events {} http { ${folders.join(' ')} include ${extract}; }`;
    const file = await stage.file('nginx.conf', around);
    await stage.start({ program: 'nginx', args: ['-e', 'stderr', '-p', root, '-c', file], port });
    return { port, log: () => readFileSync(join(root, '.camofleet', 'logs', 'nginx-access.log'), 'utf8') };
  },
  haproxy: async (port) => {
    const { block } = await extractsFor('haproxy', port);
    await execa('sh', ['-c', block('haproxy.pem')]);
    const file = await stage.file('haproxy.cfg', block('haproxy.cfg'));
    const { logFile } = await stage.start({ program: 'haproxy', args: ['-db', '-f', file], port });
    return { port, log: () => readFileSync(logFile, 'utf8') };
  },
  caddy: async (port) => {
    const { root, paths, block } = await extractsFor('caddy', port);
    // Its administration would listen on one fixed port.
    const file = await stage.file('Caddyfile', block('Caddyfile').replace('{\n', '{\n  admin off\n'));
    const env = { XDG_DATA_HOME: join(root, 'data'), XDG_CONFIG_HOME: join(root, 'config') };
    await stage.start({ program: 'caddy', args: ['run', '--adapter', 'caddyfile', '--config', file], env, port });
    return { port, log: () => readFileSync(join(paths.logs, 'caddy-access.log'), 'utf8') };
  },
};

interface Answer {
  readonly status: number;
  readonly text: string;
}

function ask(port: number, path: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = get(
      {
        host: '127.0.0.1',
        servername: 'localhost',
        port,
        path,
        ca: fleet.ca,
        agent: false,
        timeout: 10_000,
        headers: { host: `localhost:${port}`, ...headers },
      },
      (response) => {
        let text = '';
        response.on('data', (bytes: Buffer) => (text += bytes.toString()));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
        response.on('error', reject);
      },
    );
    asked.on('timeout', () => asked.destroy(new Error(`no answer to ${path}`)));
    asked.on('error', reject);
  });
}

/** `verify` through a proxy, as somebody who has only a link. */
async function hold(port: number, link: { readonly ws: string; readonly http: string }): Promise<Report> {
  const [url, page] = [new URL(link.ws), new URL(link.http)];
  url.port = page.port = String(port);
  const out = join(stage.folder, `runs-${port}`);
  const args = [
    ...[
      ENTRY_POINT,
      'verify',
      '--url',
      url.href,
      '--page',
      page.href,
      '--ca',
      join(fleet.dir, '.camofleet', 'pki', 'ca.pem'),
    ],
    ...['--modes', 'still', '--duration', `${HOLD_S}s`, '--capture', 'off', '--json', '--out', out],
  ];
  const { stdout } = await execa(process.execPath, args, { cwd: stage.folder, reject: false, timeout: TIMEOUT_MS });
  return JSON.parse(stdout) as Report;
}

const told = (report: Report): string =>
  JSON.stringify([report.summary, report.findings.map(({ code, saw }) => [code, saw])]);

const PROGRAMS: readonly Program[] = ['traefik', 'nginx', 'haproxy', 'caddy'];
const HANDSHAKE = {
  upgrade: 'websocket',
  connection: 'Upgrade',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'Q5BQY8MPWT6/7A0IoHYSMQ==',
};

describe.skipIf(lacks('traefik', 'nginx', 'haproxy', 'caddy'))('the page reverse-proxy.md', () => {
  let token: string;
  const proxies = new Map<Program, Proxy>();
  /** All hold at once: the clock runs once. */
  const reports = new Map<Program, Promise<Report>>();

  beforeAll(async () => {
    fleet = await newFleet();
    const file = join(fleet.dir, 'camofleet.yaml');
    const document = parseDocument(readFileSync(file, 'utf8'));
    // The proxies alone must let a quiet socket live: nobody pings.
    document.setIn(['gateway', 'pingIntervalMs'], 0);
    writeFileSync(file, document.toString());
    const { exitCode, stderr } = await fleet.cli(['up', '--detach', '--wait']);
    expect(exitCode, stderr).toBe(0);
    // x11vnc says eight bytes of an empty clipboard half a minute after its start; the card says nothing at all.
    const session = await fleet.createSession({ browser: 'testcard-still', idle_ttl_seconds: 600 });
    token = new URL(session.vnc!.ws).searchParams.get('token')!;
    stage = await openStage({
      env: process.env,
      execPath: process.execPath,
      entryPoint: ENTRY_POINT,
      temporary: tmpdir(),
      signal: new AbortController().signal,
      onStarted: () => {},
    });
    for (const program of PROGRAMS) {
      const proxy = await START[program](await stage.port());
      proxies.set(program, proxy);
      const report = hold(proxy.port, session.vnc!);
      report.catch(() => {}); // told by the test that waits for it
      reports.set(program, report);
    }
  });

  afterAll(async () => {
    await Promise.allSettled(reports.values());
    await stage?.[Symbol.asyncDispose]();
    await fleet?.[Symbol.asyncDispose]();
  }, TIMEOUT_MS);

  test.each(PROGRAMS)('routes what is public with the real %s, and nothing else', async (program) => {
    const { port, log } = proxies.get(program)!;
    const status = async (path: string): Promise<number> => (await ask(port, path)).status;
    await expect
      .poll(() => ask(port, '/api/health').then(({ text }) => text, String), { timeout: 20_000 })
      .toBe('{"status":"ok"}');
    const routes = ['/', '/ui', '/ui/', '/ui/config.json', '/vnc/abc', '/api/openapi.json'];
    expect(await Promise.all(routes.map(status))).toEqual([302, 302, 200, 200, 200, 200]);
    const closed = ['/healthz', '/readyz', '/metrics', '/admin/drain', '/internal/tokens/redeem', '/vncx', '/apix'];
    expect(await Promise.all(closed.map(status))).toEqual(closed.map(() => 404));
    const refused = await ask(port, '/websockify?token=x', HANDSHAKE);
    expect(refused.status, refused.text).toBe(401);
    expect(JSON.parse(refused.text)).toMatchObject({ code: 'token_invalid' });
    expect((await ask(port, `/websockify?token=${token}`)).text).toBe('{"ready":true}');
    await expect.poll(log, { timeout: 10_000 }).toContain(HANDSHAKE['sec-websocket-key']);
  });

  test.skipIf(lacks('curl'))('the checklist of README.md is answered as it says', async () => {
    const guide = renderGuide(localSubject(fleet.topology, await packageTemplates(), fleetPaths(fleet.dir)));
    const readme = guide.find(({ path }) => path.endsWith('/README.md'))!.text;
    const commands = [
      ...[...readme.matchAll(/`(curl [^`]+)`/g)].map(([, command]) => command!),
      ...[...readme.matchAll(/^ {3}(curl [^`]+?)\n {3}```/gm)].map(([, command]) => command!),
    ];
    const said = await Promise.all(
      commands.map(async (command) => {
        const trusting = command.replace(/^curl /, 'curl --cacert .camofleet/pki/ca.pem ');
        return (await execa('sh', ['-c', trusting], { cwd: fleet.dir, reject: false })).stdout;
      }),
    );
    expect(said).toEqual([
      expect.stringMatching(/^302 (127\.0\.0\.1|::1)$/),
      '{"status":"ok"}',
      expect.stringContaining('"code":"token_invalid"'),
      expect.stringMatching(/^HTTP\/1\.1 404 [\s\S]*"code":"unknown_id"/),
    ]);
  });

  test.each(PROGRAMS)(
    `holds a still screen without pings for ${HOLD_S} s with the real %s`,
    {
      timeout: TIMEOUT_MS,
    },
    async (program) => {
      const report = await reports.get(program)!;
      expect(
        report.findings.filter(({ severity }) => severity === 'fail'),
        told(report),
      ).toEqual([]);
      const whole = report.streams.filter(({ heldMs }) => heldMs >= HOLD_S * 1_000);
      const silent = whole.filter(({ longestSilenceMs }) => longestSilenceMs >= HOLD_S * 1_000 - EDGES_MS);
      expect(whole.length, told(report)).toBeGreaterThan(1);
      expect(silent.length, told(report)).toBeGreaterThan(0);
      // None was cut, and each still answers at the end.
      expect(
        report.streams.every(({ end, frames }) => end.by === 'verify' && frames > 0),
        told(report),
      ).toBe(true);
    },
  );

  test('leaves no link in a log, and logs that verify reads', () => {
    const logs = readdirSync(stage.folder, { recursive: true, encoding: 'utf8' }).filter((file) =>
      file.endsWith('.log'),
    );
    expect(logs.length).toBeGreaterThanOrEqual(PROGRAMS.length);
    for (const file of logs) expect(readFileSync(join(stage.folder, file), 'utf8'), file).not.toContain(token);
    for (const program of ['traefik', 'nginx', 'haproxy'] as const) {
      const lines = parseEdgeLog(proxies.get(program)!.log().split('\n'));
      const held = lines.filter(({ path, durationMs = 0 }) => path === '/websockify' && durationMs > HOLD_S * 1_000);
      expect(held.length, program).toBeGreaterThan(0);
    }
  });
});
