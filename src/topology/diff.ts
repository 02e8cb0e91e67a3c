/** Lines around a difference. */
const CONTEXT = 2;

/** A unified diff from a text (undefined: there is no such file) to another; empty when they are the same. */
export function diffLines(name: string, before: string | undefined, after: string): string {
  if (before === after) return '';
  const steps = walk(linesOf(before ?? ''), linesOf(after));
  const from = before === undefined ? '/dev/null' : name;
  return `--- ${from}\n+++ ${name}\t(from camofleet.yaml)\n${hunks(steps).map(hunkText).join('')}`;
}

const NO_NEWLINE = '\n\\ No newline at end of file';

/** The lines of a text; a last line without an end says so, as `diff` does. */
function linesOf(text: string): string[] {
  const lines = text.split('\n');
  const last = lines.pop()!;
  return last === '' ? lines : [...lines, `${last}${NO_NEWLINE}`];
}

interface Step {
  readonly sign: ' ' | '-' | '+';
  readonly text: string;
  /** Of the next line in the old and in the new text, from 1. */
  readonly line: readonly [number, number];
}

/** Runs of steps that are near a difference. */
function hunks(steps: readonly Step[]): Step[][] {
  const runs: Step[][] = [];
  let open = false;
  for (const [index, step] of steps.entries()) {
    const around = steps.slice(Math.max(0, index - CONTEXT), index + CONTEXT + 1);
    const near = around.some(({ sign }) => sign !== ' ');
    if (near && !open) runs.push([]);
    if (near) runs.at(-1)!.push(step);
    open = near;
  }
  return runs;
}

function hunkText(steps: readonly Step[]): string {
  const count = (sign: '-' | '+'): number => steps.filter((step) => step.sign === ' ' || step.sign === sign).length;
  const [before, after] = steps[0]!.line;
  const range = (line: number, lines: number): string => `${lines === 0 ? line - 1 : line},${lines}`;
  const head = `@@ -${range(before, count('-'))} +${range(after, count('+'))} @@`;
  return `${head}\n${steps.map(({ sign, text }) => `${sign}${text}\n`).join('')}`;
}

function walk(a: readonly string[], b: readonly string[]): Step[] {
  const lengths = commonLengths(a, b);
  const steps: Step[] = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    const line = [i + 1, j + 1] as const;
    if (i < a.length && j < b.length && a[i] === b[j]) {
      steps.push({ sign: ' ', text: a[i]!, line });
      i += 1;
      j += 1;
    } else if (j >= b.length || (i < a.length && lengths[i + 1]![j]! >= lengths[i]![j + 1]!)) {
      steps.push({ sign: '-', text: a[i]!, line });
      i += 1;
    } else {
      steps.push({ sign: '+', text: b[j]!, line });
      j += 1;
    }
  }
  return steps;
}

/** lengths[i][j]: common lines of a from i and b from j. */
function commonLengths(a: readonly string[], b: readonly string[]): number[][] {
  const lengths = Array.from({ length: a.length + 1 }, () => Array.from({ length: b.length + 1 }, () => 0));
  for (let i = a.length - 1; i >= 0; i -= 1)
    for (let j = b.length - 1; j >= 0; j -= 1)
      lengths[i]![j] = a[i] === b[j] ? lengths[i + 1]![j + 1]! + 1 : Math.max(lengths[i + 1]![j]!, lengths[i]![j + 1]!);
  return lengths;
}
