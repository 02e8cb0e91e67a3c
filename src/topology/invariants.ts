import type { Topology } from './model.js';
import type { Rule, Violation } from './rules/rule.js';
import { portRules } from './rules/ports.js';
import { timerRules } from './rules/timers.js';
import { trustRules } from './rules/trust.js';

export type { Violation } from './rules/rule.js';
export { listenerPorts } from './rules/ports.js';

/** Every rule; each is about one thing and has one id, unless its words differ by what is broken. */
const RULES: readonly Rule[] = [...timerRules, ...portRules, ...trustRules];

/** Pure rules over the model; empty when all hold. */
export function violations(topology: Topology): readonly Violation[] {
  return RULES.flatMap((rule) => rule(topology));
}

/** A violation for people: two lines, the second of which is what to set. */
export function violationText({ id, severity, path, saw, want, remedy }: Violation): string {
  return `${severity.padEnd(5)} ${path}: ${saw}; wanted: ${want} (${id})\n      → ${remedy}`;
}
