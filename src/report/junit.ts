import type { CheckReport, Finding, Report } from './shape.js';
import { escapeXml as escape } from './xml.js';

/** Checks and streams as JUnit XML: fail is a failure, unknown an error, skip a skip, warn passes with its text. */
export function renderJUnit(report: Report): string {
  const cases = [
    ...report.checks.map((check) => checkCase(check, report)),
    ...report.findings.filter((finding) => !isOfCheck(finding)).map(findingCase),
  ];
  const count = (verdict: string): number => report.checks.filter((check) => check.verdict === verdict).length;
  const failures =
    count('fail') + report.findings.filter((finding) => !isOfCheck(finding) && finding.severity === 'fail').length;
  const seconds = (Date.parse(report.endedAt) - Date.parse(report.startedAt)) / 1000;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="camofleet verify" tests="${cases.length}" failures="${failures}" errors="${count('unknown')}" skipped="${count('skip')}" time="${seconds}">`,
    `  <testsuite name="${escape(report.run)}" tests="${cases.length}" failures="${failures}" errors="${count('unknown')}" skipped="${count('skip')}" time="${seconds}" timestamp="${report.startedAt}">`,
    ...cases,
    '  </testsuite>',
    '</testsuites>',
    '',
  ].join('\n');
}

function isOfCheck({ evidence }: Finding): boolean {
  return evidence.some(({ text }) => text?.startsWith('checks: '));
}

function checkCase(check: CheckReport, report: Report): string {
  const open = `    <testcase classname="camofleet.${check.hop}" name="${escape(`${check.id}: ${check.title}`)}" time="${check.tookMs / 1000}">`;
  const finding = report.findings.find(({ evidence }) => evidence.some(({ text }) => text === `checks: ${check.id}`));
  return `${open}${inner(check, finding)}</testcase>`;
}

function inner({ verdict, saw = '', want = '', because = '' }: CheckReport, finding: Finding | undefined): string {
  switch (verdict) {
    case 'pass':
      return saw === '' ? '' : `<system-out>${escape(saw)}</system-out>`;
    case 'warn':
      return `<system-out>${escape(`warning: saw ${saw}, wanted ${want}`)}</system-out>`;
    case 'fail':
      return `<failure type="${escape(finding?.code ?? 'fail')}" message="${escape(saw)}">${escape(`wanted: ${want}\nremedy: ${finding?.remedy ?? ''}`)}</failure>`;
    case 'skip':
      return `<skipped message="${escape(because)}"/>`;
    case 'unknown':
      return `<error type="unknown" message="${escape(because)}"/>`;
  }
}

function findingCase({ code, hop, severity, saw, want, remedy }: Finding): string {
  const body =
    severity === 'fail'
      ? `<failure type="${escape(code)}" message="${escape(saw)}">${escape(`wanted: ${want}\nremedy: ${remedy}`)}</failure>`
      : `<system-out>${escape(saw)}</system-out>`;
  return `    <testcase classname="camofleet.${hop}" name="${escape(`hold: ${code}`)}" time="0">${body}</testcase>`;
}
