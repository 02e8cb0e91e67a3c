import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openRun } from '../../../src/diagnostics/evidence/index.ts';
import type { Report } from '../../../src/report/index.ts';
import { FAILED } from '../../report/example.ts';

const AT = { nowMs: Date.parse('2026-11-23T15:04:05.678Z'), suffix: '7f3a' };
const isRoot = process.getuid?.() === 0;

let out: string;
beforeEach(() => {
  out = mkdtempSync(join(tmpdir(), 'camofleet-run-'));
});
afterEach(() => {
  chmodSync(out, 0o700);
  rmSync(out, { recursive: true, force: true });
});

describe('the folder of a run', () => {
  test('is named by time and id, and private', async () => {
    const run = await openRun(join(out, 'artifacts'), AT);
    expect(run.id).toBe('2026-11-23T15-04-05Z-7f3a');
    expect(statSync(run.dir).mode & 0o777).toBe(0o700);
  });

  test('holds the reports, the sums of every file, and is pointed to by latest', async () => {
    symlinkSync('an-older-run', join(out, 'latest'));
    const run = await openRun(out, AT);
    await run.write('screenshot.png', 'picture', Buffer.from([1, 2, 3]));
    const report = await run.finish(FAILED);

    expect(readdirSync(run.dir).toSorted()).toEqual(['junit.xml', 'report.html', 'report.json', 'screenshot.png']);
    expect(readlinkSync(join(out, 'latest'))).toBe(run.id);
    expect(JSON.parse(readFileSync(join(run.dir, 'report.json'), 'utf8'))).toEqual(report);
    expect(report.artifacts.map(({ path }) => path)).toEqual(['screenshot.png', 'junit.xml', 'report.html']);
    for (const { path, sha256, bytes } of report.artifacts) {
      const content = readFileSync(join(run.dir, path));
      expect(content).toHaveLength(bytes);
      expect(createHash('sha256').update(content).digest('hex')).toBe(sha256);
      expect(statSync(join(run.dir, path)).mode & 0o777).toBe(0o600);
    }
  });

  test('collection.log says at once what was collected and what was not', async () => {
    const run = await openRun(out, AT);
    run.note({ what: 'packets', status: 'skip', because: 'needs CAP_NET_RAW' });
    run.note({ what: 'x', status: 'ok' });
    await run.finish(FAILED);
    expect(readFileSync(join(run.dir, 'collection.log'), 'utf8')).toBe(
      'skip    packets: needs CAP_NET_RAW\nok      x\n',
    );
  });

  test('no secret is written, in a report that is still JSON', async () => {
    const run = await openRun(out, AT);
    run.note({ what: 'dial', status: 'failed', because: 'wss://h/websockify?token=CANARY' });
    await run.write('a.txt', 'text', 'authorization: Bearer CANARY');
    const report = await run.finish({ ...FAILED, summary: 'saw "wss://h/w?token=CANARY", "Bearer CANARY"' });
    for (const name of readdirSync(run.dir)) expect(readFileSync(join(run.dir, name), 'utf8')).not.toContain('CANARY');
    expect(JSON.stringify(report)).not.toContain('CANARY');
    expect(report.artifacts.find(({ path }) => path === 'a.txt')?.redactions).toBe(1);
  });
});

describe('logs', () => {
  test('are copied from where the run began, redacted, with their lines', async () => {
    const log = join(out, 'gateway.log');
    writeFileSync(log, '{"event":"old"}\n');
    const from = statSync(log).size;
    appendFileSync(log, '{"event":"a","url":"/w?token=CANARY"}\n{"event":"b"}\n{"event":"half');
    const run = await openRun(out, AT);
    const lines = await run.collectLog(log, 'websockify.log', { from, needles: [] });
    const report = await run.finish(FAILED);
    expect(lines).toHaveLength(3);
    expect(lines[0]).toMatch(/token=\[hidden [0-9a-f]{8}\]/);
    expect(readFileSync(join(run.dir, 'websockify.log'), 'utf8')).toBe(`${lines.join('\n')}\n`);
    expect(report.artifacts.find(({ path }) => path === 'websockify.log')?.redactions).toBe(1);
    expect(report.collection).toContainEqual({
      what: 'websockify.log',
      status: 'ok',
      because: '3 lines of gateway.log',
    });
  });

  test('that cannot be had are said to be missing', async () => {
    const run = await openRun(out, AT);
    expect(await run.collectLog(join(out, 'none.log'), 'runner.log', { from: 0, needles: [] })).toEqual([]);
    expect(run.collected[0]).toMatchObject({ what: 'runner.log', status: 'failed' });
    expect(run.collected[0]!.because).toContain('ENOENT');
  });
});

describe('a verdict is never lost', () => {
  const finish = async (folder: string): Promise<Report> => {
    const run = await openRun(folder, AT);
    await run.write('a.txt', 'text', 'x');
    return run.finish(FAILED);
  };
  const failures = ({ collection }: Report): string[] =>
    collection.filter(({ status }) => status === 'failed').map(({ what }) => what);

  test('when the folder cannot be made', async () => {
    writeFileSync(join(out, 'file'), '');
    const report = await finish(join(out, 'file'));
    expect(report).toMatchObject({ verdict: 'fail', exitCode: 1, artifacts: [] });
    expect(failures(report)).toEqual(expect.arrayContaining(['the run folder', 'a.txt', 'report.json']));
  });

  test.skipIf(isRoot)('when the folder may not be written to', async () => {
    chmodSync(out, 0o500);
    expect(failures(await finish(out))).toContain('the run folder');
  });

  test('when latest is a folder of somebody else', async () => {
    execFileSync('mkdir', ['-p', join(out, 'latest', 'x')]);
    const report = await finish(out);
    expect(failures(report)).toEqual(['latest']);
    expect(JSON.parse(readFileSync(join(out, '2026-11-23T15-04-05Z-7f3a', 'report.json'), 'utf8'))).toEqual(report);
    expect(readdirSync(out).toSorted()).toEqual(['2026-11-23T15-04-05Z-7f3a', 'latest']);
  });

  test.skipIf(!isRoot)('when evidence fills the disk: the report is written all the same', async () => {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', out]);
    try {
      const log = join(tmpdir(), `camofleet-long-${process.pid}.log`);
      writeFileSync(log, `${'x'.repeat(999)}\n`.repeat(4_000));
      const run = await openRun(out, AT);
      await run.collectLog(log, 'websockify.log', { from: 0, needles: [] });
      await run.write('big.txt', 'text', 'x'.repeat(600_000));
      rmSync(log);
      const report = await run.finish(FAILED);
      expect(failures(report)).toEqual(expect.arrayContaining(['websockify.log', 'big.txt']));
      expect(report.collection.find(({ what }) => what === 'big.txt')?.because).toContain('ENOSPC');
      expect(JSON.parse(readFileSync(join(run.dir, 'report.json'), 'utf8'))).toEqual(report);
      expect(existsSync(join(run.dir, 'big.txt'))).toBe(false);
      expect(statSync(join(run.dir, 'websockify.log')).size).toBeGreaterThan(100_000);
    } finally {
      execFileSync('umount', [out]);
    }
  });
});
