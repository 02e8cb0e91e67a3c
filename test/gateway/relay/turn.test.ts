import { expect, test } from 'vitest';
import { Turn } from '../../../src/gateway/relay/turn.ts';
import { READ_BYTES } from '../../../src/gateway/relay/workspace.ts';

function turned(): { readonly turn: Turn; readonly wentOn: () => number } {
  let count = 0;
  return { turn: new Turn(() => (count += 1)), wentOn: () => count };
}

async function others(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

test('a socket whose reads fill the buffer lets others go before it, and goes on behind them', async () => {
  const { turn, wentOn } = turned();
  for (let round = 1; round <= 3; round += 1) {
    expect([turn.allows(READ_BYTES), turn.allows(READ_BYTES)]).toEqual([true, false]);
    expect(wentOn()).toBe(round - 1);
    await others();
    expect(wentOn()).toBe(round);
  }
});

test('a read that does not fill the buffer ends the row: who reads turns to others by itself', async () => {
  const { turn, wentOn } = turned();
  for (let count = 0; count < 5; count += 1)
    expect([turn.allows(READ_BYTES), turn.allows(READ_BYTES - 1)]).toEqual([true, true]);
  await others();
  expect(wentOn()).toBe(0);
});
