import type { EvidenceRef } from '../../report/index.js';

/** What control planes write when they end a session. */
const ENDS = /\b(?:reap|evict|expir|releas|delet|remov|terminat|kill|stopp|clos|idle|ttl|time[ -]?out|timed out)/i;
/** The order comes before the end that it causes: stopping a container takes its grace. */
const BEFORE_MS = 15_000;
const AFTER_MS = 1_500;
const MAX_TEXT = 200;

/** The last line of a control plane's log before a stream ended that tells of an end of a session. */
export function reapedAt(lines: readonly string[], cutAt: number): EvidenceRef | undefined {
  const index = lines.findLastIndex((line) => {
    const time = timeOf(line);
    return time !== undefined && time >= cutAt - BEFORE_MS && time <= cutAt + AFTER_MS && ENDS.test(line);
  });
  return index < 0
    ? undefined
    : { file: 'control.log', line: index + 1, text: lines[index]!.trim().slice(0, MAX_TEXT) };
}

/** The time of a line of any service: the first date in it, or seconds of the epoch behind a name that says time. */
export function timeOf(line: string): number | undefined {
  const [, date, clock, fraction = '', zone = ''] =
    /(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}:\d{2})(?:[.,](\d{1,9}))?(Z|[+-]\d{2}:?\d{2})?/.exec(line) ?? [];
  if (date !== undefined) {
    const time = Date.parse(`${date}T${clock}.${`${fraction}000`.slice(0, 3)}${zone}`);
    return Number.isNaN(time) ? undefined : time;
  }
  const [, seconds] = /"(?:ts|time|timestamp)":\s*"?(\d{10}(?:\.\d+)?|\d{13})\b/.exec(line) ?? [];
  if (seconds === undefined) return undefined;
  return seconds.length === 13 ? Number(seconds) : Number(seconds) * 1_000;
}
