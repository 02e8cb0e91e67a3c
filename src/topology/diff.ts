/** Lines around a difference. */
const CONTEXT = 2;

/** A unified diff of two texts, by longest common subsequence; empty when they are the same. */
export function diffLines(name: string, before: string, after: string): string {
  if (before === after) return '';
  const [a, b] = [before.split('\n'), after.split('\n')];
  const steps = walk(a, b);
  const shown = steps.map((_, index) =>
    steps.slice(Math.max(0, index - CONTEXT), index + CONTEXT + 1).some(({ sign }) => sign !== ' '),
  );
  const lines: string[] = [];
  for (const [index, { sign, text, line }] of steps.entries()) {
    if (!shown[index]) continue;
    if (index === 0 || !shown[index - 1]) lines.push(`@@ line ${line} @@`);
    lines.push(`${sign}${text}`);
  }
  return `--- ${name}\n+++ ${name} (from camofleet.yaml)\n${lines.join('\n')}\n`;
}

interface Step {
  readonly sign: ' ' | '-' | '+';
  readonly text: string;
  /** Of the old text, from 1. */
  readonly line: number;
}

function walk(a: readonly string[], b: readonly string[]): Step[] {
  const lengths = commonLengths(a, b);
  const steps: Step[] = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    const line = i + 1;
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
