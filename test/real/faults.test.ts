import { readFileSync, readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { PublicSession } from '../../src/api/index.ts';
import type { Hop } from '../../src/core/index.ts';
import type { Report } from '../../src/report/index.ts';
import { lacks } from '../support/components.ts';
import { type Fleet, startFleet } from '../support/fleet.ts';

/** How long a hold runs before the fault. */
const BEFORE_MS = 7_000;

/** The process of a fleet's own that a fault ends. */
const FAULTS: readonly {
  readonly what: string;
  readonly words: readonly string[];
  readonly signal: NodeJS.Signals;
  readonly hop: Hop;
}[] = [
  { what: 'x11vnc killed', words: ['x11vnc', '-rfbport'], signal: 'SIGKILL', hop: 'runner' },
  { what: 'Xvfb killed', words: ['Xvfb', '-auth'], signal: 'SIGKILL', hop: 'runner' },
  { what: 'the gateway killed', words: ['run.js gateway'], signal: 'SIGKILL', hop: 'gateway' },
  { what: 'Traefik killed', words: ['traefik', '--configfile'], signal: 'SIGKILL', hop: 'traefik' },
  { what: 'Traefik stopped', words: ['traefik', '--configfile'], signal: 'SIGTERM', hop: 'traefik' },
];

describe.skipIf(lacks('traefik', 'xvfb', 'x11vnc', 'tcpdump'))('verify names the hop of a fault during a hold', () => {
  test.each(FAULTS)('$what: $hop', { timeout: 180_000 }, async ({ words, signal, hop }) => {
    await using fleet = await startFleet();
    const verifying = fleet.cli(['verify', '--duration', '40s', '--json'], { timeoutMs: 120_000 });
    await verifySessions(fleet);
    await sleep(BEFORE_MS);
    const [victim] = fleet.processes(...words);
    expect(victim, `no process with ${words.join(' ')}`).toBeDefined();
    process.kill(victim!.pid, signal);

    const { exitCode, stdout } = await verifying;
    const report: Report = JSON.parse(stdout);
    const [first] = report.findings;
    expect(first, JSON.stringify(report.streams, null, 1)).toMatchObject({ hop, severity: 'fail' });
    expect(['proven', 'likely']).toContain(first!.confidence);
    expect(first!.evidence.length).toBeGreaterThan(0);
    expect(first!.remedy).not.toBe('');
    expect(exitCode).toBe(1);
  });
});

/** Waits until verify has made its sessions. */
async function verifySessions(fleet: Fleet): Promise<readonly PublicSession[]> {
  for (let tries = 0; tries < 100; tries += 1) {
    const sessions = await fleet.api<PublicSession[]>('GET', '/sessions');
    const own = sessions.filter(({ labels, status }) => labels['camofleet.verify'] && status === 'ready');
    if (own.length >= 2) return own;
    await sleep(150);
  }
  throw new Error('verify made no sessions within 15 s');
}

describe.skipIf(lacks('traefik', 'xvfb', 'x11vnc', 'tcpdump'))('a healthy fleet', () => {
  let fleet: Fleet;
  beforeAll(async () => {
    fleet = await startFleet();
  });
  afterAll(async () => {
    await fleet[Symbol.asyncDispose]();
  });

  test('is never called sick: 20 runs, no finding of severity fail or warn', { timeout: 600_000 }, async () => {
    for (let run = 1; run <= 20; run += 1) {
      const { stdout, exitCode } = await fleet.cli(['verify', '--duration', '2s', '--json']);
      const report: Report = JSON.parse(stdout);
      expect(
        report.findings.filter(({ severity }) => severity !== 'info'),
        `run ${run}`,
      ).toEqual([]);
      expect({ run, verdict: report.verdict, exitCode }).toEqual({ run, verdict: 'pass', exitCode: 0 });
    }
  });

  test('leaves no session of verify behind', async () => {
    expect(await fleet.api('GET', '/sessions')).toEqual([]);
  });

  test('keeps secrets out of logs, reports, captures and argument lists', { timeout: 120_000 }, async () => {
    const session = await fleet.createSession({ browser: 'none' });
    const token = new URL(session.vnc!.ws).searchParams.get('token')!;
    const { openToken, parseKeyring } = await import('../../src/tokens/index.ts');
    const { loadTopology } = await import('../../src/topology/index.ts');
    const topology = await loadTopology(`${fleet.dir}/camofleet.yaml`);
    const keys = parseKeyring(readFileSync(`${fleet.dir}/.camofleet/secrets/token-keys.json`, 'utf8'), 'keys');
    const opened = await openToken(token, keys, { fleetId: topology.fleet.id, nowMs: Date.now() });
    expect(opened.ok).toBe(true);
    const password = opened.ok ? opened.value.pw : '';
    expect(password.length).toBe(8);

    const verified = await fleet.cli(['verify', '--session', session.id, '--duration', '3s', '--json']);
    expect(verified.exitCode).toBe(0);

    const secrets = [
      token,
      password,
      ...['operator.key', 'service.key'].map((name) =>
        readFileSync(`${fleet.dir}/.camofleet/secrets/${name}`, 'utf8').trim(),
      ),
    ];
    const argumentLists = fleet
      .processes()
      .map(({ argv }) => argv.join(' '))
      .join('\n');
    const environments = fleet
      .processes()
      .map(({ pid }) => readFileSync(`/proc/${pid}/environ`, 'latin1'))
      .join('\n');
    for (const secret of secrets) {
      expect(verified.stdout + verified.stderr).not.toContain(secret);
      expect(argumentLists).not.toContain(secret);
      expect(environments).not.toContain(secret);
      for (const file of filesBelow([`${fleet.dir}/artifacts`, `${fleet.dir}/.camofleet/logs`]))
        expect(readFileSync(file, 'latin1').includes(secret), file).toBe(false);
    }
    await fleet.api('DELETE', `/sessions/${session.worker}/${session.id}`);
  });
});

function filesBelow(folders: readonly string[]): string[] {
  return folders.flatMap((folder) =>
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => `${entry.parentPath}/${entry.name}`),
  );
}
