import type { CutTimes } from './shape.js';
import { cut, wrap } from './width.js';
import { formatMs } from './words.js';

type Kind = CutTimes['rows'][number]['traffic'];

const HOPS: Readonly<Record<string, string>> = {
  public: 'public: all hops',
  gateway: 'gateway, runner',
  rfb: 'runner alone',
};
const KINDS: Readonly<Record<Kind, string>> = {
  viewing: 'viewer',
  silent: 'silent',
  pings: 'pings',
  asks: 'asks only',
  pokes: 'both ways',
  pulls: 'much',
  naps: 'naps',
};

/** Hop by kind of traffic: after how long it was cut, or how long it lived; a dash where nothing was held. */
export function cutTimesTable({ rows }: CutTimes): readonly (readonly string[])[] {
  const kinds = (Object.keys(KINDS) as Kind[]).filter((kind) => rows.some(({ traffic }) => traffic === kind));
  const vantages = [...new Set(rows.map(({ vantage }) => vantage))];
  const cell = (vantage: string, kind: Kind): string => {
    const row = rows.find((one) => one.vantage === vantage && one.traffic === kind);
    if (!row) return '-';
    return row.cutMs === null ? `> ${formatMs(row.outlivedMs)}` : `cut ${formatMs(row.cutMs)}`;
  };
  return [
    ['cut after', ...kinds.map((kind) => KINDS[kind])],
    ...vantages.map((vantage) => [HOPS[vantage] ?? vantage, ...kinds.map((kind) => cell(vantage, kind))]),
  ];
}

/** What to set; then up to where it was looked, or that nothing was found. */
export function cutTimesAdvice({ set, pingEveryMs, boundMs, rows }: CutTimes): readonly (readonly [string, string])[] {
  const bound = `searched up to ${formatMs(boundMs)} (--duration); a longer timer is not excluded`;
  const isCut = rows.some(({ cutMs }) => cutMs !== null);
  return [
    ...(pingEveryMs === null ? [] : ([['set', `ping at most every ${formatMs(pingEveryMs)}`]] as const)),
    ...set.map(({ where, what }) => ['set', `${where}: ${what}`] as const),
    ['bound', isCut ? bound : `no timer found; ${bound}`],
  ];
}

/** Table and advice as lines of text; names of what is said are so wide. */
export function cutTimesLines(found: CutTimes, columns: number, label: number): string[] {
  const rows = cutTimesTable(found);
  const widths = rows[0]!.map((_cell, at) => Math.max(...rows.map((row) => row[at]!.length)));
  const line = (row: readonly string[]): string => row.map((cell, at) => cell.padEnd(widths[at]!)).join('  ');
  return [
    ...rows.map((row) => cut(`  ${line(row).trimEnd()}`, columns)),
    ...cutTimesAdvice(found).map(([name, text]) => wrap(`  ${name.padEnd(label)}`, text, columns)),
  ];
}
