import { isHost } from '../core/index.js';

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

/** The least value that is taken; 0 when it is not given. */
interface NumberSpec extends Spec<number> {
  readonly min?: number;
}

function field<T>(kind: string, { env, default: usual, doc }: Spec<T>, parse: (text: string) => T): Field<T> {
  return { kind, env, default: usual, doc, parse };
}

function whole(text: string, min: number, max: number, want: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text.trim()) || value < min || value > max) throw new Error(want);
  return value;
}

/** A TCP port; 0, where it is taken, picks a free one. */
export const port = (spec: NumberSpec): Field<number> => {
  const min = spec.min ?? 0;
  return field('port', spec, (value) => whole(value, min, 65_535, `a port from ${min} to 65535`));
};

/** The longest timer that Node can keep; a larger one would fire at once. */
const MAX_TIMER_MS = 2_147_483_647;

export const millis = (spec: NumberSpec): Field<number> => {
  const min = spec.min ?? 0;
  const want = `a whole number of milliseconds from ${min} to ${MAX_TIMER_MS}`;
  return field('milliseconds', spec, (value) => whole(value, min, MAX_TIMER_MS, want));
};

export const seconds = (spec: NumberSpec): Field<number> => {
  const min = spec.min ?? 0;
  const max = Math.floor(MAX_TIMER_MS / 1000);
  return field('seconds', spec, (value) => {
    const number = Number(value);
    if (!/^\d+(\.\d+)?$/.test(value.trim()) || number < min || number > max)
      throw new Error(`a number of seconds from ${min} to ${max}`);
    return number;
  });
};

export const count = (spec: NumberSpec & { readonly max?: number }): Field<number> => {
  const { min = 0, max } = spec;
  const want = max === undefined ? `a whole number, ${min} or more` : `a whole number from ${min} to ${max}`;
  return field('count', spec, (value) => whole(value, min, max ?? Number.MAX_SAFE_INTEGER, want));
};

/** Any text, or text of a form: `want` says which, in words. */
export const text = (
  spec: Spec<string> & {
    readonly form?: { readonly want: string } & (
      | { readonly pattern: RegExp }
      | { readonly test: (value: string) => boolean }
    );
  },
): Field<string> =>
  field('text', spec, (value) => {
    const { form } = spec;
    if (form && !('pattern' in form ? form.pattern.test(value) : form.test(value))) throw new Error(form.want);
    return value;
  });

/** A host name or an IP address, IPv6 without brackets. */
export const host = (spec: Spec<string>): Field<string> =>
  field('host', spec, (value) => {
    if (!isHost(value)) throw new Error('a host name or an IP address, without port and brackets');
    return value;
  });

/** A path before other paths: begins with a slash, ends without one; empty or `/` for none. */
export const pathPrefix = (spec: Spec<string>): Field<string> =>
  field('path', spec, (value) => {
    if (!/^(\/[^\s?#]*)?$/.test(value)) throw new Error('a path like /api, or nothing');
    return value.replace(/\/+$/, '');
  });

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

/** A URL of one of the protocols; empty means none. */
export const url = (spec: Spec<string>, protocols: readonly string[] = ['http:', 'https:']): Field<string> =>
  field('URL', spec, (value) => {
    if (value === '') return value;
    if (!URL.canParse(value) || !protocols.includes(new URL(value).protocol))
      throw new Error(`a URL with ${protocols.map((p) => `${p}//`).join(' or ')}`);
    return value;
  });

/** What every item of a list must be. */
interface Items {
  readonly test: (item: string) => boolean;
  readonly want: string;
}

/** Comma-separated, blanks trimmed, empties dropped; or a JSON array of text. */
export const list = (spec: Spec<readonly string[]> & { readonly items?: Items }): Field<readonly string[]> =>
  field('list', spec, (value) => {
    const found = /^\s*\[\s*["\]]/.test(value) ? textArray(value) : value.split(',');
    const items = found.map((item) => item.trim()).filter((item) => item !== '');
    const bad = items.find((item) => spec.items && !spec.items.test(item));
    if (bad !== undefined)
      throw new Error(`a list of which each is ${spec.items!.want}, and ${JSON.stringify(bad)} is not`);
    return items;
  });

function textArray(value: string): string[] {
  const parsed = parseJson(value);
  if (!Array.isArray(parsed) || !parsed.every((item) => typeof item === 'string'))
    throw new Error('a comma-separated list or a JSON array of text');
  return parsed;
}

function parseJson(value: string): unknown {
  try {
    return JSON.parse(value);
  } catch (cause) {
    throw new Error(`valid JSON (${(cause as Error).message})`, { cause });
  }
}

interface Range {
  readonly min: number;
  readonly max: number;
}

/** `6900-6999`, both ends included; empty means no range. */
export const range = (spec: Spec<Range | undefined>): Field<Range | undefined> =>
  field('range', spec, (value) => {
    if (value === '') return undefined;
    const match = /^(\d+)-(\d+)$/.exec(value.trim());
    const [min, max] = [Number(match?.[1]), Number(match?.[2])];
    if (!match || min > max || max > 65_535) throw new Error('a range like 6900-6999');
    return { min, max };
  });

/** JSON of a shape that `check` knows; `check` throws an Error that says what was wanted. */
export const json = <T>(spec: Spec<T>, check: (value: unknown) => T): Field<T> =>
  field('JSON', spec, (value) => check(parseJson(value)));
