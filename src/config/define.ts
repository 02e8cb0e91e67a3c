import { CamofleetError } from '../core/index.js';
import type { Field } from './fields.js';
import { strictNameProblems, valueOf } from './names.js';

type Fields = Readonly<Record<string, Field<unknown>>>;
type Values<F extends Fields> = { readonly [K in keyof F]: F[K] extends Field<infer T> ? T : never };

/** One setting with its value, where the value came from, and its documentation. */
export interface Explained {
  readonly key: string;
  readonly env: string;
  readonly kind: string;
  readonly doc: string;
  readonly default: unknown;
  readonly value: unknown;
  readonly origin: 'default' | 'environment' | 'flag';
}

/** What holds between settings: `broken` says in words what was seen and wanted, or nothing. */
interface Rule<F extends Fields> {
  /** It is not asked while one of these has a problem of its own. */
  readonly of: readonly (keyof F & string)[];
  readonly broken: (values: Values<F>) => string | undefined;
}

export interface Settings<F extends Fields> {
  readonly service: string;
  readonly fields: F;
  /** flag > environment > default. Throws CF_CONFIG_INVALID with all problems at once. */
  load(sources: Sources): Values<F>;
  /** Every setting, and every problem; where a value cannot be read the default is shown. */
  explain(sources: Sources): { readonly settings: readonly Explained[]; readonly problems: readonly string[] };
  /** The environment that gives a service these values; only known keys. */
  toEnv(values: Partial<Record<keyof F & string, string>>): Record<string, string>;
}

export type ConfigOf<S> = S extends Settings<infer F> ? Values<F> : never;

interface Sources {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** By key of the declaration; undefined means not given. */
  readonly flags?: Readonly<Record<string, string | undefined>>;
  /** Names that are settings of somebody, so that a shared environment is no error. */
  readonly knownNames: Iterable<string>;
}

/** One declaration gives the TypeScript type, the environment names, validation and the docs table. */
export function defineSettings<const F extends Fields>(
  service: string,
  fields: F,
  rules: readonly Rule<F>[] = [],
): Settings<F> {
  const own = Object.values(fields).map((field) => field.env);
  const read = (sources: Sources): { settings: Explained[]; problems: string[]; values: Values<F> } => {
    const results = Object.entries(fields).map(([key, field]) => readSetting(key, field, sources));
    const settings = results.map(({ explained }) => explained);
    const values = Object.fromEntries(settings.map(({ key, value }) => [key, value])) as Values<F>;
    const unreadable = new Set(results.flatMap(({ explained, problem }) => (problem ? [explained.key] : [])));
    const problems = [
      ...strictNameProblems(sources.env, [...sources.knownNames, ...own]),
      ...results.flatMap(({ problem }) => problem ?? []),
      ...rules.flatMap(({ of, broken }) => (of.some((key) => unreadable.has(key)) ? [] : (broken(values) ?? []))),
    ];
    return { settings, problems, values };
  };
  return {
    service,
    fields,
    load(sources) {
      const { values, problems } = read(sources);
      if (problems.length > 0) throw new CamofleetError('CF_CONFIG_INVALID', problems.join('\n'), { problems });
      return values;
    },
    explain(sources) {
      const { settings, problems } = read(sources);
      return { settings, problems };
    },
    toEnv: (values) =>
      Object.fromEntries(
        Object.entries(values).map(([key, value]) => {
          const field = fields[key];
          if (!field) throw new Error(`${service} has no setting ${key}`);
          return [field.env, String(value)];
        }),
      ),
  };
}

/** What of a bad value is repeated: a whole `VNC_MAP_JSON` would hide what is wrong with it. */
const MAX_REPEATED = 120;

function readSetting(
  key: string,
  field: Field<unknown>,
  sources: Sources,
): { readonly explained: Explained; readonly problem?: string } {
  const { env, kind, doc, default: usual } = field;
  const flag = sources.flags?.[key];
  const given = flag ?? valueOf(sources.env, env);
  const shared = { key, env, kind, doc, default: usual };
  if (given === undefined) return { explained: { ...shared, value: usual, origin: 'default' } };
  const origin = flag === undefined ? 'environment' : 'flag';
  try {
    return { explained: { ...shared, value: field.parse(given), origin } };
  } catch (error) {
    const got = JSON.stringify(given);
    const seen = got.length > MAX_REPEATED ? `${got.slice(0, MAX_REPEATED)}…` : got;
    const name = flag === undefined ? env : `--${key} (${env})`;
    const problem = `${name} must be ${(error as Error).message}, got ${seen}`;
    return { explained: { ...shared, value: usual, origin: 'default' }, problem };
  }
}
