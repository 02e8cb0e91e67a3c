import type { BudgetReport, CheckReport, Finding, Report } from './shape.js';
import { escapeXml as escape } from './xml.js';

/**
 * Checks, the findings of the hold and the limits of a budget as JUnit XML: fail is a failure, unknown an error, skip a
 * skip, warn passes with its text. A run that was interrupted has an error, so that nobody takes it for a pass.
 */
export function renderJUnit(report: Report, suite = 'camofleet verify'): string {
  const cases = [
    ...report.checks.map((check) => checkCase(check, report)),
    ...report.findings.filter((finding) => !isOfCheck(finding)).map(findingCase),
    ...(report.budget ?? []).map(budgetCase),
    ...(report.interrupted ? [bare('run', 'verify runs to its end', error('interrupted', report.summary))] : []),
  ];
  const counted = (tag: string): number => cases.filter((one) => one.includes(`<${tag} `)).length;
  const counts = `tests="${cases.length}" failures="${counted('failure')}" errors="${counted('error')}" skipped="${counted('skipped')}"`;
  const seconds = (Date.parse(report.endedAt) - Date.parse(report.startedAt)) / 1000;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="${escape(suite)}" ${counts} time="${seconds}">`,
    `  <testsuite name="${escape(report.run)}" ${counts} time="${seconds}" timestamp="${report.startedAt}">`,
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
      return error('unknown', because);
  }
}

function error(type: string, message: string): string {
  return `<error type="${type}" message="${escape(message)}"/>`;
}

function bare(name: string, title: string, body: string): string {
  return `    <testcase classname="camofleet.${name}" name="${escape(title)}" time="0">${body}</testcase>`;
}

function budgetCase({ name, limit, saw, crossed, because = '' }: BudgetReport): string {
  const told = `${saw} of ${limit} ms`;
  const body = crossed
    ? `<failure type="budget" message="${escape(told)}"/>`
    : saw === null
      ? `<skipped message="${escape(because)}"/>`
      : `<system-out>${escape(told)}</system-out>`;
  return bare('budget', name, body);
}

function findingCase({ code, hop, severity, saw, want, remedy }: Finding): string {
  const body =
    severity === 'fail'
      ? `<failure type="${escape(code)}" message="${escape(saw)}">${escape(`wanted: ${want}\nremedy: ${remedy}`)}</failure>`
      : `<system-out>${escape(saw)}</system-out>`;
  return bare(hop, `hold: ${code}`, body);
}
