import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Slab, SlabPool } from '../../../src/gateway/relay/slabs.ts';

describe('a slab', () => {
  test('gives the place of what is settled at once to the next', () => {
    const slab = new Slab(new Uint8Array(10));
    const first = slab.take(6);
    slab.settle(first);
    expect(slab.take(6).byteOffset).toBe(first.byteOffset);
  });

  test('keeps the place of what waits, and gives the place behind it again', () => {
    const slab = new Slab(new Uint8Array(10));
    slab.take(4);
    const second = slab.take(3);
    slab.settle(second);
    expect({ cursor: slab.cursor, isFree: slab.isFree, room: slab.room() }).toEqual({
      cursor: 4,
      isFree: false,
      room: 6,
    });
  });

  test('is whole again when nothing waits, in whatever order it was settled', () => {
    const slab = new Slab(new Uint8Array(9));
    const [first, second, third] = [slab.take(3), slab.take(3), slab.take(3)];
    for (const part of [second, first, third]) slab.settle(part);
    expect({ cursor: slab.cursor, isFree: slab.isFree }).toEqual({ cursor: 0, isFree: true });
  });
});

describe('a pool of slabs', () => {
  const pool = (count: number, keep: number): { readonly pool: SlabPool; made: () => number } => {
    let made = 0;
    const make = (): Uint8Array | undefined => {
      if (made === count) return undefined;
      made += 1;
      return new Uint8Array(8);
    };
    return { pool: new SlabPool(make, keep), made: () => made };
  };

  test('makes one slab for any number of writes that leave at once', () => {
    const { pool: slabs, made } = pool(9, 2);
    for (let count = 0; count < 100; count += 1) {
      const slab = slabs.withRoom(8)!;
      slabs.settle(slab, slab.take(8));
    }
    expect(made()).toBe(1);
  });

  test('has none to give when all wait and no more may be made', () => {
    const { pool: slabs } = pool(2, 2);
    slabs.withRoom(8)!.take(8);
    slabs.withRoom(8)!.take(8);
    expect(slabs.withRoom(1)).toBeUndefined();
  });

  test('keeps a number of free slabs for later, and lets the others go', () => {
    const { pool: slabs, made } = pool(99, 1);
    const round = (): void => {
      const taken = Array.from({ length: 4 }, () => {
        const slab = slabs.withRoom(8)!;
        return { slab, part: slab.take(8) };
      });
      for (const { slab, part } of taken) slabs.settle(slab, part);
    };
    round();
    expect(made()).toBe(4);
    round(); // the one in use, the one that was kept, and two new ones
    expect(made()).toBe(6);
  });

  test('never gives a byte to two that wait, whatever comes and goes', () => {
    const moves = fc.array(fc.record({ length: fc.integer({ min: 1, max: 8 }), settle: fc.nat() }), { maxLength: 60 });
    fc.assert(
      fc.property(moves, (steps) => {
        const { pool: slabs } = pool(99, 2);
        const waiting: { slab: Slab; part: Uint8Array; mark: number }[] = [];
        for (const [mark, { length, settle }] of steps.entries()) {
          const slab = slabs.withRoom(length)!;
          const part = slab.take(length).fill(mark);
          waiting.push({ slab, part, mark });
          if (settle % 2 === 0) {
            const [gone] = waiting.splice(settle % waiting.length, 1);
            slabs.settle(gone!.slab, gone!.part);
          }
          for (const one of waiting) expect([...new Set(one.part)]).toEqual([one.mark]);
        }
      }),
    );
  });
});
