/**
 * Writes what was measured into docs/diagnosis.md: node scripts/diagnosis.mjs SCORE.json HEALTHY.json, the outputs of
 * `camofleet lab score --json` and of `camofleet lab healthy --json`.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const page = join(dirname(dirname(fileURLToPath(import.meta.url))), 'docs', 'diagnosis.md');
const [score, healthy] = process.argv.slice(2, 4).map((file) => JSON.parse(readFileSync(file, 'utf8')));
const WORDS = { right: 'right', wrong: '**wrong**', notHostable: 'not hostable', skipped: 'skipped' };

const table = (heads, rows) =>
  [heads, heads.map(() => '---'), ...rows].map((cells) => `| ${cells.map(cell).join(' | ')} |`).join('\n');
const cell = (text) =>
  String(text ?? '–')
    .replaceAll('|', '\\|')
    .replaceAll('\n', ' ');

const scored = () => {
  const { total, right, wrong, notHostable, skipped, rows } = score;
  const lines = rows.map(({ id, title, expected, found, named, seconds, result, remedy, because }) => [
    ...[
      id,
      title,
      expected.hop,
      found?.hop,
      found?.code,
      found?.confidence,
      named && `${named.seconds}${named.since === 'start' ? '' : ` (${named.since})`}`,
      seconds,
      WORDS[result],
    ],
    result === 'right' ? remedy : because,
  ]);
  const heads = [
    'fault',
    'what is broken',
    'expected',
    'found',
    'code',
    'confidence',
    'named after, s',
    'whole run, s',
    'result',
    'remedy given, or why',
  ];
  return `${right} of ${total} right, ${wrong} wrong, ${notHostable} not hostable, ${skipped} skipped.\n\n${table(heads, lines)}`;
};

const healthyRuns = () => {
  const { total, passed, accused, unknown, notRun, rows } = healthy;
  const lines = rows.map(({ id, setUp, verdict, accused: who, unknown: what, seconds, because }) => [
    ...[id, setUp, verdict ?? 'not run', seconds],
    [...who, ...what.map((check) => `unknown: ${check}`), because].filter(Boolean).join(', '),
  ]);
  const heads = ['run', 'path', 'verdict', 's', 'accused, unknown'];
  return `${passed} of ${total} passed; ${accused} accused somebody; ${unknown} left something unknown; ${notRun} were not run.\n\n${table(heads, lines)}`;
};

/** Replaces what stands between the two marks of a part. */
function filled(text, name, content) {
  const marks = [`<!-- ${name} -->`, `<!-- end of ${name} -->`];
  const [from, to] = marks.map((mark) => text.indexOf(mark));
  if (from < 0 || to < from) throw new Error(`docs/diagnosis.md has no part between ${marks.join(' and ')}`);
  return `${text.slice(0, from + marks[0].length)}\n\n${content}\n\n${text.slice(to)}`;
}

const before = readFileSync(page, 'utf8');
writeFileSync(page, filled(filled(before, 'score', scored()), 'healthy', healthyRuns()));
