import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ByteQueue } from '../../src/rfb/byte-queue.ts';

test('gives back what was pushed, in order, in whatever pieces it is pushed, peeked, taken and skipped', () => {
  const steps = fc.record({
    push: fc.uint8Array({ maxLength: 20 }),
    how: fc.constantFrom('peek', 'take', 'skip', 'takeAll'),
    length: fc.nat(40),
  });
  fc.assert(
    fc.property(fc.array(steps, { maxLength: 30 }), (taken) => {
      const queue = new ByteQueue();
      let model = Buffer.alloc(0);
      for (const { push, how, length } of taken) {
        queue.push(push);
        model = Buffer.concat([model, push]);
        const [got, want, gone] = step(queue, model, how, length);
        expect(got).toEqual(want);
        model = model.subarray(gone);
        expect(queue.length).toBe(model.length);
        expect(queue.first).toBe(model[0]);
      }
    }),
    { numRuns: 2_000 },
  );
});

/** What the queue says, what it should say, and how many bytes are gone then. */
function step(
  queue: ByteQueue,
  model: Buffer,
  how: 'peek' | 'take' | 'skip' | 'takeAll',
  length: number,
): [unknown, unknown, number] {
  const first = length <= model.length ? model.subarray(0, length) : undefined;
  if (how === 'peek') return [queue.peek(length), first, 0];
  if (how === 'take') return [queue.take(length), first, first?.length ?? 0];
  if (how === 'skip') return [queue.skip(length), Math.min(length, model.length), Math.min(length, model.length)];
  return [queue.takeAll(), model, model.length];
}
