/** Exit codes of every command, the same in every output format (spec section 3). */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  couldNotRun: 3,
  refused: 4,
  strictWarnings: 5,
  budgetCrossed: 99,
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

const PRECEDENCE: readonly ExitCode[] = [130, 2, 1, 4, 3, 99, 5, 0];

/** When several apply: 130 > 2 > 1 > 4 > 3 > 99 > 5 > 0. */
export function worstExit(codes: readonly ExitCode[]): ExitCode {
  return PRECEDENCE.find((code) => codes.includes(code)) ?? EXIT.ok;
}
