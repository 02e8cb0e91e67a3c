import { setFlagsFromString } from 'node:v8';

/** Calls until V8 compiles a function with its second and with its best compiler: what it has by itself, and here. */
export const THRESHOLDS = [
  { flag: '--invocation-count-for-maglev', usual: 400, eager: 100 },
  { flag: '--invocation-count-for-turbofan', usual: 3_000, eager: 300 },
] as const;

/** What work calls often is compiled to the last meanwhile, ten times as soon as elsewhere. */
export async function compiledEagerly<T>(work: () => Promise<T>): Promise<T> {
  for (const { flag, eager } of THRESHOLDS) setFlagsFromString(`${flag}=${eager}`);
  try {
    return await work();
  } finally {
    for (const { flag, usual } of THRESHOLDS) setFlagsFromString(`${flag}=${usual}`);
  }
}
