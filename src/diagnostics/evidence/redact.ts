import { redactText } from '../../core/index.js';

/** A value of plain data with every text in it redacted; says how many values were hidden. */
export function redactData<T>(value: T): { readonly value: T; readonly hidden: number } {
  let hidden = 0;
  const clean = (part: unknown): unknown => {
    if (typeof part === 'string') {
      const redacted = redactText(part);
      hidden += redacted.hidden;
      return redacted.text;
    }
    if (Array.isArray(part)) return part.map(clean);
    if (typeof part !== 'object' || part === null) return part;
    return Object.fromEntries(Object.entries(part).map(([key, inner]) => [key, clean(inner)]));
  };
  return { value: clean(value) as T, hidden };
}
