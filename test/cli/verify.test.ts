import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { request } from 'undici';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { PublicSession } from '../../src/api/index.ts';
import type { Report } from '../../src/report/index.ts';
import { reportSchema } from '../report/schema.ts';
import { type CliResult, type Fleet, runCli, startFleet } from '../support/fleet.ts';

/** Short holds: what is tested is the command, not patience. */
const SHORT = ['--duration', '500ms'];

function parsed({ stdout }: Pick<CliResult, 'stdout'>): Report {
  const report = JSON.parse(stdout) as Report;
  expect(reportSchema.safeParse(report).error?.issues ?? []).toEqual([]);
  return report;
}

const codes = ({ findings }: Report): string[] => findings.map(({ code, severity }) => `${code} ${severity}`);

describe('verify without a fleet', () => {
  const cwd = mkdtempSync(join(tmpdir(), 'camofleet-verify-'));
  afterAll(() => rmSync(cwd, { recursive: true }));

  test.each<readonly [string, readonly string[], RegExp]>([
    ['no camofleet.yaml', [], /CF_TOPOLOGY_MISSING\n.*no camofleet\.yaml in .*--url, --gateway, --rfb or --control/],
    ['a flag that does not exist', ['--durations', '1s'], /Nonexistent flag: --durations/],
    ['a duration that is none', ['--duration', 'long'], /--duration takes/],
    ['a mode that is none', ['--modes', 'still,fast'], /--modes takes still, moving, watch-only, not "fast"/],
    ['a page without its socket', ['--page', 'https://h/'], /--url/],
    ['a session and a URL', ['--session', 'a', '--url', 'ws://h/'], /--url|--session/],
    ['quiet and verbose', ['--quiet', '--verbose'], /--quiet|--verbose/],
    [
      'a budget with an unknown limit',
      ['--url', 'ws://h/', '--budget', 'budget.yaml'],
      /budget\.yaml: pingMs is no limit/,
    ],
  ])('%s is exit code 2, with nothing on stdout', async (_what, args, message) => {
    writeFileSync(join(cwd, 'budget.yaml'), 'pingMs: 1\n');
    const { exitCode, stdout, stderr } = await runCli(['verify', ...args], { cwd });
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toMatch(message);
    expect(existsSync(join(cwd, 'artifacts'))).toBe(false);
  });

  test('an error with --json is JSON', async () => {
    const { exitCode, stdout } = await runCli(['verify', '--json'], { cwd });
    expect(exitCode).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'CF_TOPOLOGY_MISSING' } });
  });

  test('help names every flag and every exit code', async () => {
    const { stdout } = await runCli(['verify', '--help'], { cwd });
    for (const flag of [
      'budget',
      'capture',
      'ca',
      'control',
      'duration',
      'gateway',
      'gateway-log',
      'header',
      'insecure',
      'json',
      'junit',
      'modes',
      'no-color',
      'origin',
      'out',
      'page',
      'password-file',
      'pcap',
      'quiet',
      'resolve',
      'rfb',
      'runner-log',
      'screenshot',
      'session',
      'strict',
      'traefik-log',
      'url',
      'verbose',
    ])
      expect(stdout).toContain(`--${flag}`);
    expect(stdout.replaceAll(/\s+/g, ' ')).toContain('130 > 2 > 1 > 4 > 3 > 99 > 5 > 0');
  });
});

describe('verify of a fleet', () => {
  let fleet: Fleet;
  beforeAll(async () => {
    fleet = await startFleet({ programs: ['setpriv'] });
  });
  afterAll(() => fleet[Symbol.asyncDispose]());

  const verify = (...args: readonly string[]): Promise<CliResult> => fleet.cli(['verify', ...args]);
  const latest = (...path: readonly string[]): string => join(fleet.dir, 'artifacts', 'latest', ...path);
  const sessions = (): Promise<PublicSession[]> => fleet.api('GET', '/sessions');
  const own = async (): Promise<number> => {
    const all = await sessions();
    return all.filter(({ labels, status }) => labels['camofleet.verify'] !== undefined && status === 'ready').length;
  };

  test('that is well passes: the report alone on stdout, to the letter of its schema, and no finding', async () => {
    const result = await verify(...SHORT, '--json');
    const report = parsed(result);
    expect(result).toMatchObject({ exitCode: 0, stderr: '' });
    expect(codes(report)).toEqual([]);
    expect(report).toMatchObject({ verdict: 'pass', exitCode: 0, target: { vantages: ['public', 'gateway', 'rfb'] } });
    expect(report.checks.filter(({ verdict }) => verdict !== 'pass')).toEqual([]);
    expect(report.hops.map(({ hop }) => hop)).toEqual([
      'viewer',
      'dns',
      'network',
      'tls',
      'traefik',
      'gateway',
      'runner',
      'control',
    ]);
    expect(report.streams.map(({ mode, vantage }) => `${mode} ${vantage}`)).toEqual([
      'still public',
      'still gateway',
      'still rfb',
      'moving public',
      'moving gateway',
      'moving rfb',
      'watch-only public',
      'watch-only gateway',
    ]);
    for (const { end, pings, frames } of report.streams) {
      expect(end).toMatchObject({ by: 'verify' });
      expect(pings.sent - pings.answered, 'pings on their way at the end').toBeLessThanOrEqual(1);
      expect(frames).toBeGreaterThan(0);
    }
  });

  test('leaves its evidence in the folder that latest points to, with sums that are right', async () => {
    const report = JSON.parse(readFileSync(latest('report.json'), 'utf8')) as Report;
    expect(readlinkSync(latest())).toBe(report.run);
    const names = report.artifacts.map(({ path }) => path);
    expect(names).toEqual(
      expect.arrayContaining([
        'traefik-access.log',
        'websockify.log',
        'runner.log',
        'screenshot.png',
        'junit.xml',
        'report.html',
        'collection.log',
      ]),
    );
    expect(readdirSync(latest()).toSorted()).toEqual([...names, 'report.json'].toSorted());
    for (const { path, bytes, sha256 } of report.artifacts) {
      const content = readFileSync(latest(path));
      expect(content).toHaveLength(bytes);
      expect(createHash('sha256').update(content).digest('hex'), path).toBe(sha256);
    }
    expect(report.collection).toContainEqual({
      what: 'packets',
      status: 'skip',
      because: expect.stringMatching(/tcpdump is not installed; install it/),
    });
  });

  test('has the line of each of its public sockets in the access log, once they have ended', () => {
    const report = JSON.parse(readFileSync(latest('report.json'), 'utf8')) as Report;
    const upgraded = readFileSync(latest('traefik-access.log'), 'utf8')
      .split('\n')
      .filter((line) => line.includes('"origin_Sec-Websocket-Accept"'));
    const held = report.streams.filter(({ vantage }) => vantage === 'public').length;
    expect(upgraded.length).toBeGreaterThanOrEqual(held + 1);
  });

  test('is told in words: the path, the streams, the verdict with its proof', async () => {
    const { exitCode, stdout, stderr } = await verify(...SHORT, '--junit', 'ci/junit.xml', '--out', 'elsewhere');
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^verify {2}wss:\/\/localhost:\d+\/websockify {2}\d\d:\d\d:\d\d → \d\d:\d\d:\d\d \(/);
    expect(stdout).toMatch(/\n {3}5 traefik {2}ok {2,}[\d.]+ m?s {3}HTTP 101\n/);
    expect(stdout).toMatch(/\n {2}watch-only, gateway {2}held /);
    expect(stdout).toMatch(
      /\nPASSED {2}held \d+ ms, 0 cuts, longest silence [^,]+, 8 streams, Accept correct {2}exit 0$/,
    );
    expect(stdout).not.toMatch(/FAIL|CUT|not reached|warn/);
    expect(stderr).toBe('preparing sessions …\nprobing every hop …\nholding …\ncollecting evidence …');
    expect(readFileSync(join(fleet.dir, 'ci', 'junit.xml'), 'utf8')).toMatch(
      /<testsuites name="camofleet verify" tests="\d+" failures="0" errors="0"/,
    );
    expect(readlinkSync(join(fleet.dir, 'elsewhere', 'latest'))).toMatch(/Z-[a-z0-9]{4}$/);
  });

  test('with --quiet is one line; a JUnit file that cannot be written is told, and is no pass', async () => {
    const { exitCode, stdout, stderr } = await verify(
      '--duration',
      '0s',
      '--quiet',
      '--modes',
      'moving',
      '--junit',
      'camofleet.yaml/junit.xml',
    );
    expect(stdout).toBe('PASSED  every probe passed, nothing was held  exit 0');
    expect(stderr).toMatch(/^error {2}--junit camofleet\.yaml\/junit\.xml cannot be written: (ENOTDIR|EEXIST)/);
    expect(exitCode).toBe(3);
  });

  test('takes one session as it is, in the modes that are wanted, and leaves it; an unknown one is exit code 2', async () => {
    const session = await fleet.createSession({ browser: 'testcard' });
    const runs = readdirSync(join(fleet.dir, 'artifacts')).length;
    const report = parsed(await verify(...SHORT, '--json', '--session', session.id, '--modes', 'watch-only'));
    expect(report.streams.map(({ mode, session: id }) => `${mode} ${id}`)).toEqual([
      `watch-only ${session.id}`,
      `watch-only ${session.id}`,
    ]);
    expect(report.artifacts.map(({ path }) => path)).not.toContain('screenshot.png');
    expect((await sessions()).map(({ id }) => id)).toEqual([session.id]);
    await fleet.api('DELETE', `/sessions/${session.worker}/${session.id}`);

    const unknown = await verify('--session', session.id);
    expect(unknown).toMatchObject({
      exitCode: 2,
      stdout: '',
      stderr: expect.stringContaining(`no session is called "${session.id}"`),
    });
    expect(readdirSync(join(fleet.dir, 'artifacts'))).toHaveLength(runs + 1);
  });

  test('without a free slot is unknown, accuses nobody, and says what to do', async () => {
    const all = Array.from({ length: fleet.topology.runner.maxSessions }, () =>
      fleet.createSession({ browser: 'testcard' }),
    );
    const filled = await Promise.all(all);
    const result = await verify(...SHORT, '--json');
    const report = parsed(result);
    expect({ exitCode: result.exitCode, verdict: report.verdict, findings: report.findings }).toEqual({
      exitCode: 3,
      verdict: 'unknown',
      findings: [],
    });
    expect(report.checks.find(({ id }) => id === 'control.sessions')).toMatchObject({
      verdict: 'skip',
      because: expect.stringMatching(/^no free slot: /),
    });
    expect(report.summary).toMatch(/no free slot/);
    await Promise.all(filled.map(({ worker, id }) => fleet.api('DELETE', `/sessions/${worker}/${id}`)));
  });

  /** Ends a long run with a signal while it holds; gives what it printed, and the report on disk. */
  const interrupted = async (
    signal: NodeJS.Signals,
    ...args: readonly string[]
  ): Promise<{ report: Report; stdout: string; stderr: string }> => {
    const running = fleet.start(['verify', '--duration', '1h', ...args]);
    await expect.poll(own, { timeout: 30_000 }).toBe(2);
    await expect.poll(held, { timeout: 30_000 }).toBe(true);
    process.kill(running.pid, signal);
    expect(await running.ended).toBe(130);
    const report = parsed({ stdout: readFileSync(latest('report.json'), 'utf8') });
    expect(report).toMatchObject({ interrupted: true, exitCode: 130, verdict: 'unknown', findings: [] });
    expect(report.summary).toMatch(/^held .* of 1 h 00 m; no cut seen; not a pass$/);
    const names = report.artifacts.map(({ path }) => path);
    expect(readdirSync(latest()).toSorted()).toEqual([...names, 'report.json'].toSorted());
    expect(await sessions()).toEqual([]);
    return { report, stdout: running.stdout(), stderr: running.stderr() };
  };
  /** The probes are over: every socket of the hold is open. */
  const held = async (): Promise<boolean> => {
    const metrics = await request(`http://127.0.0.1:${fleet.topology.gateway.internalPort}/metrics`);
    const open = /^camofleet_gateway_sessions(?:\{[^}]*\})? (\d+)$/m.exec(await metrics.body.text());
    return Number(open?.[1]) >= 5;
  };

  test('that gets Ctrl-C ends early with everything written, exit code 130, and is no pass', async () => {
    const { stdout, stderr } = await interrupted('SIGINT');
    expect(stderr).toContain('ending early; the evidence is being written');
    expect(stdout).toMatch(/\nINTERRUPTED {2}held [\d.]+ m?s of 1 h 00 m; no cut seen; not a pass {2}exit 130\n$/);
  });

  test('that gets SIGTERM does the same, and its JSON is whole', async () => {
    const { report, stdout, stderr } = await interrupted('SIGTERM', '--json');
    expect(parsed({ stdout })).toEqual(report);
    expect(stderr).toBe('');
  });

  test('over its budget is exit code 99', async () => {
    writeFileSync(join(fleet.dir, 'budget.yaml'), 'firstFrameMs: 0\nlongestSilenceMs: 60000\n');
    const { exitCode, stdout } = await verify(...SHORT, '--budget', 'budget.yaml', '--modes', 'moving');
    expect(exitCode).toBe(99);
    expect(stdout).toMatch(
      /\n {2}budget {5}firstFrameMs [\d.]+ of 0 ms, crossed\n {2}budget {5}longestSilenceMs [\d.]+ of 60000 ms\n/,
    );
    expect(stdout).toMatch(/\nOVER BUDGET {2}held .*; over budget: firstFrameMs {2}exit 99$/);
  });

  test('through its API alone looks at what that hands out', async () => {
    const ca = join(fleet.dir, '.camofleet', 'pki', 'ca.pem');
    const key = readFileSync(join(fleet.dir, '.camofleet', 'secrets', 'operator.key'), 'utf8').trim();
    const cwd = mkdtempSync(join(tmpdir(), 'camofleet-verify-'));
    const run = (...args: readonly string[]): Promise<CliResult> =>
      runCli(
        ['verify', '--control', `${fleet.url}/api`, '--ca', ca, '--json', ...SHORT, '--modes', 'moving', ...args],
        { cwd },
      );
    const report = parsed(await run('--header', `Authorization: Bearer ${key}`));
    expect({ findings: report.findings, exitCode: report.exitCode, vantages: report.target.vantages }).toEqual({
      findings: [],
      exitCode: 0,
      vantages: ['public'],
    });
    expect(await sessions()).toEqual([]);
    const refused = parsed(await run('--header', 'Authorization: Bearer wrong'));
    expect({ codes: codes(refused), exitCode: refused.exitCode }).toEqual({
      codes: ['CF-CONTROL-KEY fail'],
      exitCode: 4,
    });
    rmSync(cwd, { recursive: true });
  });

  describe('of which only a URL is known', () => {
    const cwd = mkdtempSync(join(tmpdir(), 'camofleet-verify-'));
    let session: PublicSession;
    let ws: string;
    let ca: string;
    beforeAll(async () => {
      session = await fleet.createSession({ browser: 'testcard' });
      ws = session.vnc!.ws;
      ca = join(fleet.dir, '.camofleet', 'pki', 'ca.pem');
    });
    afterAll(() => rmSync(cwd, { recursive: true }));
    const outside = async (...args: readonly string[]): Promise<Report> =>
      parsed(await runCli(['verify', '--json', ...SHORT, ...args], { cwd }));

    test('passes from outside, with its page and the gateway where they are given', async () => {
      const token = new URL(ws).search;
      const gateway = `ws://127.0.0.1:${fleet.topology.gateway.port}/websockify${token}`;
      const report = await outside(
        '--url',
        ws,
        '--ca',
        ca,
        '--page',
        session.vnc!.http,
        '--gateway',
        gateway,
        '--screenshot',
      );
      expect({ codes: codes(report), exitCode: report.exitCode }).toEqual({ codes: [], exitCode: 0 });
      expect(report.checks.filter(({ verdict }) => verdict !== 'pass').map(({ id }) => id)).toEqual(['runner.rfb']);
      expect(report.artifacts.map(({ path }) => path)).toContain('screenshot.png');
      expect(JSON.stringify(report)).not.toContain(new URL(ws).searchParams.get('token'));
    });

    test('a certificate that is not trusted fails; with --insecure it is a warning, and exit code 5 with --strict', async () => {
      const [plain, insecure, strict] = await Promise.all([
        outside('--url', ws),
        outside('--url', ws, '--insecure'),
        outside('--url', ws, '--insecure', '--strict'),
      ]);
      expect([plain, insecure, strict].map((report) => [codes(report), report.verdict, report.exitCode])).toEqual([
        [['CF-TLS-TRUST fail'], 'fail', 1],
        [['CF-TLS-TRUST warn'], 'warn', 0],
        [['CF-TLS-TRUST warn'], 'warn', 5],
      ]);
    });

    test('a name is dialled where --resolve says, and its certificate is for another name', async () => {
      const { port } = new URL(ws);
      const url = ws.replace('localhost', 'fleet.invalid');
      const report = await outside('--url', url, '--ca', ca, '--resolve', `fleet.invalid:${port}:127.0.0.1`);
      expect({ codes: codes(report), exitCode: report.exitCode }).toEqual({ codes: ['CF-TLS-NAME fail'], exitCode: 1 });
      const unresolved = await outside('--url', url, '--ca', ca);
      expect(codes(unresolved)).toEqual(['CF-CONTROL-URL fail']); // a name that nobody can have is not the resolver's fault
    });

    test('a token that was altered is refused: exit code 4, with the line of the gateway as evidence', async () => {
      const log = join(fleet.dir, '.camofleet', 'logs', 'gateway.log');
      const report = await outside('--url', `${ws}x`, '--ca', ca, '--gateway-log', log);
      expect({ codes: codes(report), exitCode: report.exitCode }).toEqual({
        codes: ['CF-GATEWAY-TOKEN fail'],
        exitCode: 4,
      });
      expect(report.findings[0]!.evidence[0]).toMatchObject({
        file: 'websockify.log',
        text: expect.stringContaining('session.refused: token_'),
      });
      const line = readFileSync(join(cwd, 'artifacts', 'latest', 'websockify.log'), 'utf8').split('\n')[
        report.findings[0]!.evidence[0]!.line! - 1
      ];
      expect(line).toContain('"session.refused"');
    });

    test('an origin that is not allowed is refused', async () => {
      const report = await outside('--url', ws, '--ca', ca, '--origin', 'https://evil.example');
      expect({ codes: codes(report), exitCode: report.exitCode }).toEqual({
        codes: ['CF-GATEWAY-ORIGIN fail'],
        exitCode: 1,
      });
    });

    test('the raw port without its password is looked at as far as the security types', async () => {
      const port = readFileSync(join(fleet.dir, '.camofleet', 'logs', 'runner.log'), 'utf8')
        .split('\n')
        .filter((line) => line.includes(session.id) && line.includes('"session.started"'))
        .map((line) => (JSON.parse(line) as { port: number }).port)[0]!;
      const report = await outside('--rfb', `127.0.0.1:${port}`);
      expect({ codes: codes(report), exitCode: report.exitCode }).toEqual({
        codes: ['CF-RUNNER-AUTH info'],
        exitCode: 3,
      });
      expect(report.checks.filter(({ id }) => id.startsWith('rfb.')).map(({ verdict }) => verdict)).toEqual([
        'pass',
        'pass',
        'skip',
        'skip',
        'skip',
      ]);
    });

    test('with --quiet what is wrong is told, and where the evidence lies', async () => {
      const { exitCode, stdout, stderr } = await runCli(['verify', '--quiet', '--url', `${ws}x`, '--ca', ca], { cwd });
      expect({ exitCode, stderr }).toEqual({ exitCode: 4, stderr: '' });
      expect(stdout).toMatch(/^ {2}cause {6}CF-GATEWAY-TOKEN {2}gateway {2}proven\n/);
      expect(stdout).toMatch(/\n {2}evidence {3}artifacts\/.*\n\nFAILED {2}hop \d of \d, gateway {2}exit 4$/);
    });
  });

  test('that is down names the hop, and the next thing to do', async () => {
    expect(await fleet.cli(['down'])).toMatchObject({ exitCode: 0 });
    const { exitCode, stdout } = await verify(...SHORT);
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/\n {3}\d traefik {2}FAIL .*← first bad hop {3}CF-TRAEFIK-DOWN\n/);
    expect(stdout).toMatch(/ gateway {2}not reached\b/);
    expect(stdout).toMatch(/ control {2}not reached\b/);
    expect(stdout).toContain('remedy     camofleet status; then camofleet up');
    expect(stdout).toMatch(/\nFAILED {2}hop \d of \d, traefik {2}exit 1$/);
  });
});
