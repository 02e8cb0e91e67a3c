import { describe, expect, test } from 'vitest';
import { CamofleetError } from '../../src/core/index.ts';
import type { Report, SmokeStep, SmokeStepName, VerdictStatus } from '../../src/report/index.ts';
import { SMOKE_STEPS, failedStep, recordOf, reportOfSteps } from '../../src/smoke/record.ts';

const NAMES = Object.keys(SMOKE_STEPS) as SmokeStepName[];

/** All steps, those that are named with another end. */
function steps(changes: Partial<Record<SmokeStepName, Partial<SmokeStep>>> = {}): SmokeStep[] {
  return NAMES.map((name) => ({
    name,
    title: SMOKE_STEPS[name],
    verdict: 'pass' as VerdictStatus,
    exitCode: 0,
    tookMs: 1_000,
    saw: `${name} went well`,
    ...changes[name],
  }));
}

function record(taken: readonly SmokeStep[], more: { isInterrupted?: boolean; report?: Report } = {}) {
  return recordOf({
    version: '1.2.3',
    engine: 'local',
    ingress: 'embedded',
    url: 'https://localhost:8443',
    startedMs: 0,
    endedMs: 9_000,
    isInterrupted: false,
    report: undefined,
    host: undefined,
    steps: taken,
    ...more,
  });
}

const REPORT = { summary: 'held 10.0 s, 0 cuts' } as Report;
const fail = (exitCode: number): Partial<SmokeStep> => ({ verdict: 'fail', exitCode, saw: 'seen\nand more' });

describe('the record of a smoke test', () => {
  test('whose steps went well is a pass, with the words of verify', () => {
    expect(record(steps(), { report: REPORT })).toMatchObject({
      schema: 'camofleet.smoke/1',
      verdict: 'pass',
      exitCode: 0,
      summary: 'held 10.0 s, 0 cuts; up in 1.0 s, down in 1.0 s',
      isVerified: true,
    });
  });

  test.each([
    [{ up: fail(3) }, 'fail', 3, 'up: seen'],
    [{ frame: fail(1), verify: fail(1) }, 'fail', 1, 'frame: seen'],
    [{ down: fail(3) }, 'fail', 3, 'down: seen'],
    [{ verify: fail(4), down: fail(3) }, 'fail', 4, 'held 10.0 s, 0 cuts'],
    [{ verify: { verdict: 'warn', exitCode: 5 } }, 'warn', 5, 'held 10.0 s, 0 cuts; up in 1.0 s, down in 1.0 s'],
    [{ verify: { verdict: 'unknown', exitCode: 3 } }, 'unknown', 3, 'held 10.0 s, 0 cuts'],
    [{ verify: { exitCode: 99 } }, 'pass', 99, 'held 10.0 s, 0 cuts; up in 1.0 s, down in 1.0 s'],
  ] as const)('with %j is %s, exit code %i', (changes, verdict, exitCode, summary) => {
    expect(record(steps(changes as never), { report: REPORT })).toMatchObject({ verdict, exitCode, summary });
  });

  test('that was interrupted is no pass, whatever was seen before', () => {
    expect(record(steps(), { isInterrupted: true, report: REPORT })).toMatchObject({
      verdict: 'unknown',
      exitCode: 130,
      interrupted: true,
    });
    expect(record(steps(), { isInterrupted: true }).summary).toBe(
      'interrupted before anything was verified; not a pass',
    );
    expect(record(steps({ up: fail(3) }), { isInterrupted: true })).toMatchObject({ verdict: 'fail', exitCode: 130 });
  });
});

describe('a step that an error ended', () => {
  test('has its code, exit code and remedy when it can be explained', () => {
    expect(failedStep('up', new CamofleetError('CF_PORT_TAKEN', 'port 1 is held'), 5)).toMatchObject({
      verdict: 'fail',
      exitCode: 3,
      code: 'CF_PORT_TAKEN',
      saw: 'port 1 is held',
      remedy: expect.stringContaining('Free the port'),
    });
  });

  test('is unknown when it is a bug of ours', () => {
    expect(failedStep('up', new TypeError('x is not a function'), 5)).toMatchObject({
      verdict: 'unknown',
      exitCode: 3,
      saw: 'a bug in camofleet: x is not a function',
    });
  });

  test('blames nobody when it was interrupted', () => {
    expect(failedStep('up', new CamofleetError('CF_INTERRUPTED', 'by SIGINT'), 5)).toMatchObject({
      verdict: 'skip',
      exitCode: 130,
    });
  });
});

test('a report of the steps has each as a check, and the failure as a finding with a remedy', () => {
  const report = reportOfSteps(
    'run-1',
    record(steps({ up: { ...fail(3), code: 'CF_PORT_TAKEN', remedy: 'Free it' } })),
  );
  expect(report).toMatchObject({ schema: 'camofleet.report/1', run: 'run-1', verdict: 'fail', exitCode: 3 });
  expect(report.checks.map(({ id, verdict }) => `${id} ${verdict}`)).toContain('smoke.up fail');
  expect(report.findings).toMatchObject([{ code: 'CF_PORT_TAKEN', remedy: 'Free it', severity: 'fail' }]);
});
