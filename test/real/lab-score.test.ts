import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { HealthyRow } from '../../src/lab/index.ts';
import type { Score } from '../../src/lab/score.ts';
import { lacks } from '../support/components.ts';
import { runCli } from '../support/fleet.ts';

/** Of each hop and each way of finding out some, so that the lot fits a few minutes; `camofleet lab score` runs all. */
const FAULTS = [
  'F01',
  'F03',
  'F04',
  'F05',
  'F09',
  'F10',
  'F11',
  'F12',
  'F20',
  'F21',
  'F24',
  'F28',
  'F31',
  'F35',
  'F36',
  'F37',
  'F38',
  'F49',
  'F52',
  'F59',
  'F60',
  'F69',
  'F72',
  'F77',
  'F78',
  'F85',
];
/** One of each front, relay, screen and weather. */
const HEALTHY_RUNS = 12;
const SECONDS = 1_000;

const cwd = mkdtempSync(join(tmpdir(), 'camofleet-score-'));
afterAll(() => rmSync(cwd, { recursive: true }));

// Most of each is a wait for a timer: side by side, as many as `maxConcurrency` says.
describe.skipIf(lacks('xvfb', 'x11vnc', 'xsetroot', 'xtigervnc', 'traefik', 'nginx', 'haproxy', 'websockify', 'nft'))(
  'verify, judged by the lab,',
  { concurrent: true },
  () => {
    test.each(FAULTS)(
      'names the hop and the remedy of %s',
      async (id) => {
        const { stdout } = await runCli(['lab', 'score', id, '--no-twins', '--json'], {
          cwd,
          timeoutMs: 120 * SECONDS,
        });
        const [row] = (JSON.parse(stdout) as Score).rows;
        expect({ because: row?.because, result: row?.result }).toEqual({ because: undefined, result: 'right' });
      },
      150 * SECONDS,
    );

    test(
      'accuses nobody on paths that are well',
      async () => {
        const runs = String(HEALTHY_RUNS);
        const { stdout } = await runCli(['lab', 'healthy', '--runs', runs, '--json'], {
          cwd,
          timeoutMs: 400 * SECONDS,
        });
        const { rows } = JSON.parse(stdout) as { readonly rows: readonly HealthyRow[] };
        expect(rows).toHaveLength(HEALTHY_RUNS);
        expect(rows.filter(({ verdict, accused }) => verdict !== 'pass' || accused.length > 0)).toEqual([]);
      },
      450 * SECONDS,
    );
  },
);
