import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Report } from '../../src/report/index.ts';
import { lacks } from '../support/components.ts';
import { startFleet } from '../support/fleet.ts';

const HOLD_S = 90;

describe.skipIf(lacks('traefik', 'xvfb', 'x11vnc', 'tcpdump', 'tshark'))(
  'a real screen through the real Traefik',
  () => {
    test(`stands still for ${HOLD_S} s and is never cut`, { timeout: 240_000 }, async () => {
      await using fleet = await startFleet();
      const status = JSON.parse((await fleet.cli(['status', '--json'])).stdout);
      expect(status.ingress).toBe('traefik');

      const verified = await fleet.cli(['verify', '--duration', `${HOLD_S}s`, '--json'], { timeoutMs: 200_000 });
      const report: Report = JSON.parse(verified.stdout);

      expect(report.findings.filter(({ severity }) => severity !== 'info')).toEqual([]);
      expect(report.verdict).toBe('pass');
      expect(verified.exitCode).toBe(0);

      const publicStill = report.streams.find(({ vantage, mode }) => vantage === 'public' && mode === 'still');
      expect(publicStill).toBeDefined();
      expect(publicStill!.heldMs).toBeGreaterThanOrEqual(HOLD_S * 1000 - 500);
      expect(publicStill!.pings.sent).toBeGreaterThan(0);
      expect(publicStill!.pings.answered).toBe(publicStill!.pings.sent);
      const verdictOf = (id: string): string | undefined => report.checks.find((check) => check.id === id)?.verdict;
      expect(verdictOf('upgrade.status')).toBe('pass');
      expect(verdictOf('upgrade.accept')).toBe('pass');
      expect(verdictOf('rfb.firstFrame')).toBe('pass');

      const run = join(fleet.dir, 'artifacts', 'latest');
      const accessLines = readFileSync(join(run, 'traefik-access.log'), 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line));
      const sockets = accessLines.filter((line) => line['origin_Sec-Websocket-Accept']);
      expect(sockets.length).toBeGreaterThan(0);
      expect(sockets.every((line) => line.DownstreamStatus === 0)).toBe(true);
      expect(Math.max(...sockets.map((line) => line.Duration / 1e9))).toBeGreaterThanOrEqual(HOLD_S - 1);
      expect(readFileSync(join(run, 'websockify.log'), 'utf8')).toContain('"session.closed"');

      const { execa } = await import('execa');
      const banner = await execa('tshark', [
        '-r',
        join(run, 'vnc.tcpdump.pcap'),
        '-Y',
        'tcp contains "RFB 003.008"',
        '-T',
        'fields',
        '-e',
        'frame.number',
      ]);
      expect(banner.stdout.trim().split('\n').length).toBeGreaterThanOrEqual(1);
    });
  },
);
