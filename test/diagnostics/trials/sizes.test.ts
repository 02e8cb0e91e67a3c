import { describe, expect, test } from 'vitest';
import type { Stage } from '../../../src/diagnostics/probe/facts.ts';
import { wall } from '../../../src/diagnostics/trials/index.ts';

function trials(...stages: readonly Stage[]) {
  return [1, 17, 18, 128].map((side, index) => ({ side, stage: stages[index]! }));
}

describe('a wall between small pictures and large ones', () => {
  test.each<readonly [what: string, found: unknown, stages: readonly Stage[]]>([
    [
      'is where small ones come and large ones do not',
      { passes: 1_172, vanishes: 1_312 },
      ['open', 'open', 'frame', 'frame'],
    ],
    ['is between one pixel and all others', { passes: 20, vanishes: 1_172 }, ['open', 'frame', 'frame', 'frame']],
    ['is not there when all come', undefined, ['open', 'open', 'open', 'open']],
    ['is not there when none comes', undefined, ['frame', 'frame', 'frame', 'frame']],
    ['is not there when a large one comes and a small one does not', undefined, ['frame', 'open', 'open', 'open']],
    ['is not made of connections that did not get so far', undefined, ['open', 'tcp', 'greeting', 'tcp']],
  ])('%s', (_what, found, stages) => {
    expect(wall(trials(...stages))).toEqual(found);
  });
});
