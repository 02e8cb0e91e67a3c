import { parseDocument } from 'yaml';
import { CamofleetError, nearest } from '../core/index.js';
import type { BudgetReport, StreamReport } from '../report/index.js';
import type { DialFacts } from './probe/facts.js';

/** What a budget may limit, in the order in which it is reported. */
export const LIMITS = {
  firstFrameMs: 'from the beginning of the dial to the first frame, at the outermost vantage point',
  pingP50Ms: 'median round trip of pings, of the slowest stream',
  pingP99Ms: '99th percentile of the round trips of pings, of the slowest stream',
  longestSilenceMs: 'longest time without a byte of picture, of streams whose picture moves',
} as const;

export type LimitName = keyof typeof LIMITS;
/** Limits in milliseconds. */
export type Budget = Readonly<Partial<Record<LimitName, number>>>;

interface Measured {
  /** Of the outermost vantage point; undefined when nothing was dialled. */
  readonly opening: DialFacts | undefined;
  readonly streams: readonly StreamReport[];
}

/** Reads a budget, YAML or JSON. Throws CF_USAGE with everything that is wrong with it. */
export function parseBudget(text: string, file: string): Budget {
  const document = parseDocument(text, { uniqueKeys: true });
  const [syntax] = document.errors;
  if (syntax) throw new CamofleetError('CF_USAGE', `${file}: ${syntax.message.split('\n')[0]!}`, { file });
  const value: unknown = document.toJS();
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    const names = Object.keys(LIMITS).join(', ');
    throw new CamofleetError('CF_USAGE', `${file}: wanted limits by name (${names}), each in milliseconds`, { file });
  }
  const problems = Object.entries(value).flatMap(([name, limit]) => problemOf(name, limit));
  if (problems.length > 0)
    throw new CamofleetError('CF_USAGE', problems.map((problem) => `${file}: ${problem}`).join('\n'), { file });
  return value;
}

function problemOf(name: string, limit: unknown): string[] {
  if (!isLimit(name)) {
    const close = nearest(name, Object.keys(LIMITS));
    return [
      `${name} is no limit${close ? `; did you mean ${close}?` : `; there are ${Object.keys(LIMITS).join(', ')}`}`,
    ];
  }
  const isGood = typeof limit === 'number' && Number.isFinite(limit) && limit >= 0;
  return isGood ? [] : [`${name}: wanted a number of milliseconds, got ${JSON.stringify(limit)}`];
}

function isLimit(name: string): name is LimitName {
  return Object.hasOwn(LIMITS, name);
}

/** Each limit of the budget against what was measured. What could not be measured is not crossed. */
export function againstBudget(budget: Budget, measured: Measured): readonly BudgetReport[] {
  return Object.keys(LIMITS)
    .filter(isLimit)
    .flatMap((name): BudgetReport[] => {
      const limit = budget[name];
      if (limit === undefined) return [];
      const saw = MEASURES[name](measured);
      if (typeof saw === 'string') return [{ name, limit, saw: null, crossed: false, because: saw }];
      return [{ name, limit, saw: Math.round(saw * 100) / 100, crossed: saw > limit }];
    });
}

/** The measured value, or why there is none. */
const MEASURES: Readonly<Record<LimitName, (measured: Measured) => number | string>> = {
  firstFrameMs: ({ opening }) => {
    if (opening?.stage !== 'open') return 'no frame came';
    const { dns, tcp, tls, http, rfb, frame } = opening;
    const steps = [dns?.tookMs, tcp?.tookMs, tls?.tookMs, http?.tookMs, rfb?.initMs, frame?.tookMs];
    return steps.reduce<number>((sum, ms) => sum + (ms ?? 0), 0);
  },
  pingP50Ms: ({ streams }) =>
    worst(
      streams.flatMap(({ pings }) => pings.p50Ms ?? []),
      'no ping was answered',
    ),
  pingP99Ms: ({ streams }) =>
    worst(
      streams.flatMap(({ pings }) => pings.p99Ms ?? []),
      'no ping was answered',
    ),
  longestSilenceMs: ({ streams }) =>
    worst(
      streams
        .filter(({ mode, traffic = 'viewing' }) => mode !== 'still' && traffic === 'viewing')
        .map(({ longestSilenceMs }) => longestSilenceMs),
      'no stream with a moving picture was held',
    ),
};

function worst(values: readonly number[], none: string): number | string {
  return values.length === 0 ? none : Math.max(...values);
}
