/** One line of a service's JSON log. `line` counts from 1 in the collected file. */
export interface ServiceLine {
  readonly line: number;
  readonly time: string;
  readonly event: string;
  readonly facts: Readonly<Record<string, unknown>>;
}

/** Lines of a service's log; a line that is none is skipped. */
export function parseServiceLog(lines: readonly string[]): readonly ServiceLine[] {
  return lines.flatMap((text, index) => {
    const record = objectIn(text);
    if (!record || typeof record['event'] !== 'string') return [];
    const { time, event, ...facts } = record;
    return [{ line: index + 1, time: textOf(time) ?? '', event, facts }];
  });
}

/** The JSON object that a line is. */
export function objectIn(text: string): Record<string, unknown> | undefined {
  if (!text.startsWith('{')) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : undefined;
  } catch {
    return undefined; // not a line of ours, or half of one
  }
}

export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
