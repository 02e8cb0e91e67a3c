import { CamofleetError } from '../core/index.js';
import type { Field } from './fields.js';
import { strictNameProblems } from './names.js';

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

export interface Settings<F extends Fields> {
  readonly service: string;
  readonly fields: F;
  /** flag > environment > default. Throws CF_CONFIG_INVALID with all problems at once. */
  load(sources: Sources): Values<F>;
  explain(sources: Sources): readonly Explained[];
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
export function defineSettings<const F extends Fields>(service: string, fields: F): Settings<F> {
  const entries = Object.entries(fields);
  const read = (sources: Sources): { explained: Explained[]; problems: string[] } => {
    const problems = strictNameProblems(sources.env, [...sources.knownNames, ...entries.map(([, field]) => field.env)]);
    const explained = entries.map(([key, field]): Explained => {
      const { env, kind, doc } = field;
      const flag = sources.flags?.[key];
      const given = flag ?? sources.env[env];
      const shared = { key, env, kind, doc, default: field.default };
      if (given === undefined) return { ...shared, value: field.default, origin: 'default' };
      const origin = flag === undefined ? 'environment' : 'flag';
      try {
        return { ...shared, value: field.parse(given), origin };
      } catch (error) {
        problems.push(`${env} must be ${(error as Error).message}, got ${JSON.stringify(given)}`);
        return { ...shared, value: field.default, origin };
      }
    });
    return { explained, problems };
  };
  return {
    service,
    fields,
    load(sources) {
      const { explained, problems } = read(sources);
      if (problems.length > 0) throw new CamofleetError('CF_CONFIG_INVALID', problems.join('\n'), { problems });
      return Object.fromEntries(explained.map(({ key, value }) => [key, value])) as Values<F>;
    },
    explain: (sources) => read(sources).explained,
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
