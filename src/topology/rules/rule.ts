import type { Topology } from '../model.js';

/** A rule that a topology breaks. */
export interface Violation {
  /** Dotted, the id of a check: `topology.ping-interval`. */
  readonly id: `topology.${string}`;
  readonly severity: 'fail' | 'warn';
  readonly path: string;
  readonly saw: string;
  readonly want: string;
  /** One setting, as it is written. */
  readonly remedy: string;
}

export type Rule = (topology: Topology) => readonly Violation[];
