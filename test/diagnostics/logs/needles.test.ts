import { expect, test } from 'vitest';
import { Needles } from '../../../src/diagnostics/logs/needles.ts';

let seed = 5;
const random = (below: number): number => {
  seed = (seed * 1_103_515_245 + 12_345) & 0x7fff_ffff;
  return (seed >> 8) % below;
};
const word = (letters: number, length: number): string =>
  Array.from({ length }, () => 'abcdefgh'[random(letters)]).join('');

test('the first of several texts is found where a plain search finds it', () => {
  for (let round = 0; round < 3_000; round += 1) {
    const letters = 1 + random(4);
    const needles = Array.from({ length: 1 + random(4) }, () => word(letters, 2 + random(5)));
    const text = word(letters, random(60));
    const from = random(text.length + 1);
    const places = needles.map((needle) => text.indexOf(needle, from)).filter((at) => at >= 0);
    const found = new Needles(needles).find(Buffer.from(text), from);
    expect(found, `${JSON.stringify(needles)} in ${text} from ${from}`).toBe(places.length ? Math.min(...places) : -1);
  }
});

test.each([[[]], [['']], [['x']]])('%j is found nowhere', (needles) => {
  expect(new Needles(needles).find(Buffer.from('xxx'), 0)).toBe(-1);
});
