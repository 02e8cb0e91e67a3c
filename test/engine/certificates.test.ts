import { copyFileSync, mkdirSync, mkdtempSync, rmSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { readCertificate, renewCertificate, watchCertificate } from '../../src/engine/certificates.ts';
import { type FleetPaths, type Topology, fleetPaths, parseTopology } from '../../src/topology/index.ts';
import { passingClock } from '../gateway/support/gateway.ts';

const DAY_MS = 86_400_000;
/** Certificates know whole seconds. */
const NOW = Math.floor(Date.now() / 1000) * 1000;
let dir: string;
let paths: FleetPaths;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'camofleet-certificates-'));
  paths = fleetPaths(dir);
  mkdirSync(paths.pki, { recursive: true });
});
afterEach(() => {
  vi.useRealTimers();
  rmSync(dir, { recursive: true });
});

function topologyOf(yaml: string): Topology {
  const parsed = parseTopology(yaml);
  if (!('topology' in parsed)) throw new Error(JSON.stringify(parsed.problems));
  return parsed.topology;
}

describe('a renewal', () => {
  test('of the throw-away leaf comes in time, or when it is told', async () => {
    const topology = topologyOf('');
    const renew = (anew: boolean, nowMs: number) => renewCertificate(paths, topology, { anew, nowMs });
    const first = await renew(false, NOW);
    expect(first).toMatchObject({ certificates: 'made', certificate: { daysLeft: 90, subject: 'CN=localhost' } });
    expect(await renew(false, NOW + 60 * DAY_MS)).toMatchObject({
      certificates: 'kept',
      certificate: { daysLeft: 30 },
    });
    const due = await renew(false, NOW + 77 * DAY_MS);
    expect(due).toMatchObject({ certificates: 'leaf renewed', certificate: { daysLeft: 90 } });
    expect((await renew(true, NOW + 77 * DAY_MS)).certificate.fingerprint).not.toBe(due.certificate.fingerprint);
  });

  test('of files that are not ours tells what they say; Traefik’s own are not ours to renew', async () => {
    await renewCertificate(paths, topologyOf(''), { anew: false, nowMs: NOW });
    copyFileSync(paths.leafCertificate, join(dir, 'own.pem'));
    const files = topologyOf('tls: { mode: files, certificate: own.pem, key: own.key }');
    const renewal = await renewCertificate(paths, files, { anew: true, nowMs: NOW });
    expect(renewal).toMatchObject({ certificates: 'kept', certificate: { file: join(dir, 'own.pem') } });
    const acme = topologyOf('tls: { mode: acme, email: a@example.com }');
    await expect(renewCertificate(paths, acme, { anew: true, nowMs: NOW })).rejects.toMatchObject({ code: 'CF_USAGE' });
    expect(await readCertificate(paths, acme, NOW)).toBeUndefined();
  });

  test('of a file that is no certificate is an error that names it', async () => {
    await expect(readCertificate(paths, topologyOf(''), NOW)).rejects.toMatchObject({
      code: 'CF_FILES',
      message: expect.stringContaining(paths.leafCertificate),
    });
  });
});

describe('a watch', () => {
  test('tells of a pair that belongs together, once, and never of half of one', async () => {
    const other = fleetPaths(join(dir, 'other'));
    mkdirSync(other.pki, { recursive: true });
    for (const to of [paths, other]) await renewCertificate(to, topologyOf(''), { anew: false, nowMs: NOW });
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const told: string[] = [];
    let looks = 0;
    using _watch = watchCertificate({
      clock: passingClock(),
      certificate: paths.leafCertificate,
      key: paths.leafKey,
      onChange: async () => void told.push('changed'),
      renew: async () => void (looks += 1),
      onProblem: (problem) => told.push(problem),
    });
    const look = async (wanted: () => boolean): Promise<void> => {
      for (let turns = 0; turns < 500 && !wanted(); turns += 1) {
        vi.advanceTimersByTime(10_000);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    };
    const some = async (): Promise<void> => {
      let turns = 0;
      await look(() => (turns += 1) > 20);
    };
    const replace = (from: string, to: string, at: number): void => {
      mkdirSync(dirname(to), { recursive: true });
      copyFileSync(from, to);
      utimesSync(to, at, at);
    };
    await some();
    replace(other.leafCertificate, paths.leafCertificate, 1_000);
    await some();
    expect(told).toEqual([]);
    replace(other.leafKey, paths.leafKey, 2_000);
    await look(() => told.length > 0);
    await some();
    expect(told).toEqual(['changed']);
    expect(looks).toBe(0);
  });

  test('renews now and then', async () => {
    await renewCertificate(paths, topologyOf(''), { anew: false, nowMs: NOW });
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const clock = passingClock();
    let renewals = 0;
    using _watch = watchCertificate({
      clock,
      certificate: paths.leafCertificate,
      key: paths.leafKey,
      onChange: async () => {},
      renew: async () => void (renewals += 1),
      onProblem: () => {},
    });
    for (const hours of [5, 2, 5, 2]) {
      clock.pass(hours * 3_600_000);
      vi.advanceTimersByTime(10_000);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(renewals).toBe(2);
  });
});
