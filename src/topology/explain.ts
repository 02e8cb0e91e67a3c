import { topologyKeys } from './keys.js';
import type { ReadTopology } from './load.js';
import { topologySchema } from './model.js';

/** One key of a topology with its value, where the value came from, and its documentation. */
export interface ExplainedKey {
  readonly key: string;
  readonly kind: string;
  readonly doc: string;
  readonly default: unknown;
  readonly value: unknown;
  readonly origin: 'default' | 'file';
}

/** Every key with its value; without a file, the defaults. */
export function explainTopology(read?: ReadTopology): readonly ExplainedKey[] {
  const usual = topologySchema.parse({});
  return topologyKeys().map(({ path, want, doc }) => ({
    key: path,
    kind: want,
    doc,
    default: valueAt(usual, path) ?? null,
    value: valueAt(read?.topology ?? usual, path) ?? null,
    origin: valueAt(read?.given, path) === undefined ? 'default' : 'file',
  }));
}

function valueAt(value: unknown, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>(
      (at, part) => (typeof at === 'object' && at !== null ? (at as Record<string, unknown>)[part] : undefined),
      value,
    );
}
