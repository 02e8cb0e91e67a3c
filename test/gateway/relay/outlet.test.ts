import { once } from 'node:events';
import { type AddressInfo, type Socket, connect, createServer } from 'node:net';
import { describe, expect, test } from 'vitest';
import { Outlet } from '../../../src/gateway/relay/outlet.ts';
import { SlabPool } from '../../../src/gateway/relay/slabs.ts';

const PART = 65_536;

interface Pair extends AsyncDisposable {
  readonly near: Socket;
  readonly far: Socket;
}

async function socketPair(): Promise<Pair> {
  const server = createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const near = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [far] = (await once(server, 'connection')) as [Socket];
  for (const socket of [near, far]) socket.on('error', () => {});
  await once(near, 'connect');
  return {
    near,
    far,
    [Symbol.asyncDispose]: async () => {
      for (const socket of [near, far]) socket.destroy();
      server.close();
    },
  };
}

interface Watched {
  readonly outlet: Outlet;
  readonly pool: SlabPool;
  readonly flows: boolean[];
  readonly made: () => number;
  /** Writes a part of a slab, filled with this. */
  readonly write: (mark: number) => void;
}

function watched(socket: Socket): Watched {
  const flows: boolean[] = [];
  let made = 0;
  const pool = new SlabPool(() => {
    made += 1;
    return new Uint8Array(4 * PART);
  }, 1);
  const outlet = new Outlet(socket, pool, (isWaiting) => flows.push(isWaiting));
  const write = (mark: number): void => {
    const slab = pool.withRoom(PART)!;
    outlet.write(slab.take(PART).fill(mark), slab);
  };
  return { outlet, pool, flows, made: () => made, write };
}

/** Writes until something waits; how many parts that took. */
function fill({ outlet, write }: Watched): number {
  for (let count = 0; ; count += 1) {
    if (outlet.isWaiting) return count;
    write(count % 256);
  }
}

async function turn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

describe('an outlet', () => {
  test('uses one place again and again for writes that leave at once', async () => {
    await using pair = await socketPair();
    pair.far.resume();
    const one = watched(pair.near);
    for (let count = 0; count < 50; count += 1) {
      one.write(count);
      await expect.poll(() => one.outlet.isWaiting).toBe(false);
      await turn();
    }
    expect(one.made()).toBe(1);
  });

  test('tells when something waits and when it has left, and what waited arrives as it was written', async () => {
    await using pair = await socketPair();
    const one = watched(pair.near);
    const parts = fill(one);
    expect({ flows: one.flows, isFull: one.outlet.isFull }).toEqual({ flows: [true], isFull: true });
    for (let count = 0; count < 8; count += 1) one.write((parts + count) % 256); // others write meanwhile: nothing is overwritten
    const chunks: Buffer[] = [];
    pair.far.on('data', (chunk: Buffer) => chunks.push(chunk)).resume();
    await expect.poll(() => one.flows.at(-1), { timeout: 5_000 }).toBe(false);
    await expect.poll(() => Buffer.concat(chunks).length, { timeout: 5_000 }).toBe((parts + 8) * PART);
    const got = Buffer.concat(chunks);
    for (let part = 0; part < parts + 8; part += 1)
      expect(got.subarray(part * PART, (part + 1) * PART).equals(Buffer.alloc(PART, part % 256))).toBe(true);
    expect({ isWaiting: one.outlet.isWaiting, isFull: one.outlet.isFull }).toEqual({ isWaiting: false, isFull: false });
  });

  test('sees that a peer takes some of what waits', async () => {
    await using pair = await socketPair();
    const one = watched(pair.near);
    fill(one);
    for (let count = 0; count < 64; count += 1) one.write(count);
    expect(one.outlet.hasMoved()).toBe(false);
    pair.far.resume();
    await expect.poll(() => one.outlet.hasMoved(), { timeout: 5_000, interval: 2 }).toBe(true);
  });

  test('gives back what it holds when its socket dies', async () => {
    await using pair = await socketPair();
    const one = watched(pair.near);
    fill(one);
    for (let count = 0; count < 8; count += 1) one.write(count);
    const before = one.made();
    pair.near.destroy();
    await once(pair.near, 'close');
    await turn();
    const slab = one.pool.withRoom(4 * PART)!; // a whole slab is free again
    expect({ isFree: slab.isFree, made: one.made() }).toEqual({ isFree: true, made: before });
  });
});
