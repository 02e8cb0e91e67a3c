import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Report, VERDICTS, renderHtml, renderJUnit, worstVerdict } from '../../src/report/index.ts';
import { which } from '../support/components.ts';
import { FAILED, PASSED } from './example.ts';

const EVIL = `</failure>]]><b onload="x">&\u0000\u0008\u001b[2J\uD800\uFFFE'`;
const EVIL_REPORT: Report = {
  ...FAILED,
  summary: EVIL,
  checks: FAILED.checks.map((check) => ({ ...check, title: EVIL, saw: EVIL, want: EVIL, because: EVIL })),
  findings: FAILED.findings.map((finding) => ({
    ...finding,
    saw: EVIL,
    want: EVIL,
    remedy: EVIL,
    evidence: [{ file: EVIL }],
  })),
  collection: [{ what: EVIL, status: 'failed', because: EVIL }],
};

describe('junit.xml', () => {
  test('counts what is in it', () => {
    const xml = renderJUnit(FAILED);
    expect(xml).toMatch(/<testsuite [^>]*tests="5" failures="1" errors="1" skipped="1"/);
    expect(xml.match(/<testcase /g)).toHaveLength(5);
    expect(xml.match(/<failure /g)).toHaveLength(1);
    expect(xml.match(/<error /g)).toHaveLength(1);
    expect(xml.match(/<skipped /g)).toHaveLength(1);
  });

  test('of an interrupted run has an error, and of a budget a case a limit', () => {
    expect(renderJUnit({ ...PASSED, interrupted: true })).toMatch(
      /errors="1".*<error type="interrupted" message="held/s,
    );
    const xml = renderJUnit({
      ...PASSED,
      budget: [
        { name: 'a', limit: 1, saw: 2, crossed: true },
        { name: 'b', limit: 1, saw: 1, crossed: false },
        { name: 'c', limit: 1, saw: null, crossed: false, because: 'no ping' },
      ],
    });
    expect(xml).toMatch(/tests="4" failures="1" errors="0" skipped="1"/);
    expect(xml).toContain('name="a" time="0"><failure type="budget" message="2 of 1 ms"/>');
    expect(xml).toContain('name="c" time="0"><skipped message="no ping"/>');
  });

  test('of a success has no failure', () => {
    expect(renderJUnit(PASSED)).not.toMatch(/<(failure|error|skipped) /);
  });

  test('holds no character that XML cannot, and no markup of a peer', () => {
    const xml = renderJUnit(EVIL_REPORT);
    // oxlint-disable-next-line no-control-regex -- that is what is looked for
    expect(xml).not.toMatch(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\uD800-\uDFFF\uFFFE]/);
    expect(xml).not.toContain('<b onload');
  });

  test.skipIf(which('python3') === undefined)('is XML to another parser', () => {
    const dir = mkdtempSync(join(tmpdir(), 'camofleet-junit-'));
    const file = join(dir, 'junit.xml');
    for (const report of [FAILED, PASSED, EVIL_REPORT]) {
      writeFileSync(file, renderJUnit(report));
      const script = 'import sys, xml.etree.ElementTree as e; print(len(list(e.parse(sys.argv[1]).iter("testcase"))))';
      const cases = Number(execFileSync('python3', ['-c', script, file], { encoding: 'utf8' }));
      expect(cases).toBeGreaterThan(0);
    }
    rmSync(dir, { recursive: true });
  });
});

describe('report.html', () => {
  test('needs no script and nothing from elsewhere', () => {
    for (const report of [FAILED, PASSED, EVIL_REPORT]) {
      const html = renderHtml(report);
      expect(html).not.toMatch(/<(script|link|img|iframe)\b|@import|url\(|https?:\/\/(?!camofleet)/);
      expect(html).toContain("default-src 'none'");
    }
  });

  test('shows the parts of a finding, the streams, the evidence and what is missing', () => {
    const html = renderHtml(FAILED);
    for (const text of [
      'CF-EDGE-IDLE',
      'first bad hop',
      'not reached',
      'packet 1841',
      'at most a third',
      'still, public',
      'vnc.tcpdump.pcap',
      'needs CAP_NET_RAW',
    ])
      expect(html).toContain(text);
  });

  test('shows a budget and a stream that froze', () => {
    const html = renderHtml({
      ...PASSED,
      budget: [{ name: 'pingP99Ms', limit: 5, saw: 9, crossed: true }],
      streams: [{ ...PASSED.streams[0]!, frozen: true }],
    });
    for (const text of ['pingP99Ms', '>crossed<', 'it froze']) expect(html).toContain(text);
    expect(renderHtml(PASSED)).not.toContain('<h2>Budget');
  });

  test('holds no markup of a peer', () => {
    expect(renderHtml(EVIL_REPORT)).not.toContain('<b onload');
  });
});

test('the worst verdict wins, skips do not count, and nothing but skips is unknown', () => {
  expect(worstVerdict(VERDICTS)).toBe('fail');
  expect(worstVerdict(['pass', 'unknown', 'warn'])).toBe('unknown');
  expect(worstVerdict(['skip', 'pass'])).toBe('pass');
  expect(worstVerdict(['skip'])).toBe('unknown');
});
