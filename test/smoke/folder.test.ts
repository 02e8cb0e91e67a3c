import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SMOKE_STEPS, recordOf } from '../../src/smoke/record.ts';
import { openFolder } from '../../src/smoke/folder.ts';
import type { Report, SmokeStepName } from '../../src/report/index.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'camofleet-evidence-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const record = (report: Report | undefined) =>
  recordOf({
    version: '1',
    engine: 'local',
    ingress: undefined,
    url: undefined,
    startedMs: 0,
    endedMs: 1_000,
    isInterrupted: false,
    report,
    host: undefined,
    steps: Object.entries(SMOKE_STEPS).map(([name, title]) => ({
      name: name as SmokeStepName,
      title,
      verdict: name === 'up' ? ('fail' as const) : ('skip' as const),
      exitCode: name === 'up' ? 3 : 0,
      tookMs: 5,
      saw: 'https://h/?token=abcdefgh is refused',
      ...(name === 'up' && { code: 'CF_SERVICE_EXITED' }),
    })),
  });

describe('the folder of the evidence', () => {
  test('is made, takes a run of verify as it is, and has the steps beside it', async () => {
    const folder = await openFolder(join(dir, 'a', 'b'));
    mkdirSync(join(folder.runs, 'r1'));
    writeFileSync(join(folder.runs, 'r1', 'report.json'), '{"mine":true}');
    writeFileSync(join(folder.runs, 'r1', 'junit.xml'), '<testsuites/>');
    await folder.adopt(join(folder.runs, 'r1'));
    await folder.finish('r1', record({ summary: 'x' } as Report));
    expect(readdirSync(folder.dir).toSorted()).toEqual(['junit-smoke.xml', 'junit.xml', 'report.json', 'smoke.json']);
    expect(readFileSync(join(folder.dir, 'report.json'), 'utf8')).toBe('{"mine":true}');
  });

  test('has a report in every form also where verify never came, and no secret in it', async () => {
    const folder = await openFolder(dir);
    await folder.keepLog('gateway', ['{"url":"/websockify?token=abcdefgh"}']);
    await folder.finish('r1', record(undefined));
    expect(readdirSync(dir).toSorted()).toEqual([
      'junit-smoke.xml',
      'logs',
      'report.html',
      'report.json',
      'smoke.json',
    ]);
    const texts = ['junit-smoke.xml', 'report.html', 'report.json', 'smoke.json', 'logs/gateway.log'];
    for (const name of texts) {
      const text = readFileSync(join(dir, name), 'utf8');
      expect(text).not.toContain('abcdefgh');
      expect(text).toContain('[hidden');
    }
    expect(readFileSync(join(dir, 'junit-smoke.xml'), 'utf8')).toContain(
      '<testsuites name="camofleet ci smoke" tests="5" failures="1"',
    );
  });

  test('of an earlier smoke test is emptied first', async () => {
    await (await openFolder(dir)).finish('r1', record(undefined));
    writeFileSync(join(dir, 'vnc.tcpdump.pcap'), 'old');
    const again = await openFolder(dir);
    await again.finish('r2', record(undefined));
    expect(existsSync(join(dir, 'vnc.tcpdump.pcap'))).toBe(false);
  });

  test('that holds anything else is refused, and stays as it is', async () => {
    writeFileSync(join(dir, 'thesis.txt'), 'years of work');
    await expect(openFolder(dir)).rejects.toMatchObject({ code: 'CF_USAGE', message: expect.stringContaining(dir) });
    expect(readdirSync(dir)).toEqual(['thesis.txt']);
  });

  test('that is a file is refused', async () => {
    writeFileSync(join(dir, 'file'), '');
    await expect(openFolder(join(dir, 'file'))).rejects.toMatchObject({ code: 'CF_FILES' });
  });
});
