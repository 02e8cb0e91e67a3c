/** How one setting is read. `parse` throws a plain Error whose message says what was wanted. */
export interface Field<T> {
  readonly kind: string;
  readonly default: T;
  readonly doc: string;
  /** The environment name, exactly. */
  readonly env: string;
  parse(text: string): T;
}

interface Spec<T> {
  readonly env: string;
  readonly default: T;
  readonly doc: string;
}

function field<T>(kind: string, spec: Spec<T>, parse: (text: string) => T): Field<T> {
  return { kind, ...spec, parse };
}

function whole(text: string, min: number, max: number, want: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text.trim()) || value < min || value > max) throw new Error(want);
  return value;
}

/** A TCP port; 0 picks a free one. */
export const port = (spec: Spec<number>): Field<number> =>
  field('port', spec, (value) => whole(value, 0, 65_535, 'a port from 0 to 65535'));

/** The longest timer that Node can keep; a larger one would fire at once. */
const MAX_TIMER_MS = 2_147_483_647;

export const millis = (spec: Spec<number>): Field<number> =>
  field('milliseconds', spec, (value) => whole(value, 0, MAX_TIMER_MS, 'a whole number of milliseconds, 0 or more'));

export const seconds = (spec: Spec<number>): Field<number> =>
  field('seconds', spec, (value) => {
    const number = Number(value);
    if (value.trim() === '' || !(number >= 0 && number <= MAX_TIMER_MS / 1000))
      throw new Error('a number of seconds, 0 or more');
    return number;
  });

export const count = (spec: Spec<number>): Field<number> =>
  field('count', spec, (value) => whole(value, 0, Number.MAX_SAFE_INTEGER, 'a whole number, 0 or more'));

export const text = (spec: Spec<string>): Field<string> => field('text', spec, (value) => value);

export const filePath = (spec: Spec<string>): Field<string> => field('file', spec, (value) => value);

export const bool = (spec: Spec<boolean>): Field<boolean> =>
  field('true or false', spec, (value) => {
    if (/^(1|true|yes|on)$/i.test(value)) return true;
    if (/^(0|false|no|off)$/i.test(value)) return false;
    throw new Error('true or false');
  });

export const choice = <const T extends string>(options: readonly T[], spec: Spec<T>): Field<T> =>
  field(options.join('|'), spec, (value) => {
    const found = options.find((option) => option === value);
    if (found === undefined) throw new Error(`one of ${options.join(', ')}`);
    return found;
  });

export const url = (spec: Spec<string>, protocols: readonly string[] = ['http:', 'https:']): Field<string> =>
  field('URL', spec, (value) => {
    if (value === '') return value;
    if (!URL.canParse(value) || !protocols.includes(new URL(value).protocol))
      throw new Error(`a URL with ${protocols.map((p) => `${p}//`).join(' or ')}`);
    return value;
  });

/** Comma-separated, blanks trimmed, empties dropped. */
export const list = (spec: Spec<readonly string[]>): Field<readonly string[]> =>
  field('list', spec, (value) =>
    value
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== ''),
  );

/** `6900-6999`, both ends included; empty means no range. */
export const range = (
  spec: Spec<{ readonly min: number; readonly max: number } | undefined>,
): Field<{ readonly min: number; readonly max: number } | undefined> =>
  field('range', spec, (value) => {
    if (value === '') return undefined;
    const match = /^(\d+)-(\d+)$/.exec(value.trim());
    const [min, max] = [Number(match?.[1]), Number(match?.[2])];
    if (!match || min > max || max > 65_535) throw new Error('a range like 6900-6999');
    return { min, max };
  });

/** JSON of a shape that `check` knows; `check` throws an Error that says what was wanted. */
export const json = <T>(spec: Spec<T>, check: (value: unknown) => T): Field<T> =>
  field('JSON', spec, (value) => {
    let parsed: unknown;
    try {
      parsed = JSON.parse(value);
    } catch (cause) {
      throw new Error(`valid JSON (${(cause as Error).message})`, { cause });
    }
    return check(parsed);
  });
