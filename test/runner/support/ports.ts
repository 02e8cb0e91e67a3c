import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

/** Beside the ports of shifted fleets, below those that the kernel hands out. */
const [MIN, MAX] = [10_200, 30_000];

/** The first of so many ports in a row on which nobody listens. */
export async function freePorts(count: number): Promise<number> {
  for (let tries = 0; tries < 50; tries += 1) {
    const first = randomInt(MIN, MAX);
    const free = await Promise.all(Array.from({ length: count }, (_, index) => isFree(first + index)));
    if (free.every(Boolean)) return first;
  }
  throw new Error(`no ${count} free ports in a row`);
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, '0.0.0.0');
  try {
    await once(server, 'listening');
  } catch {
    return false; // held
  }
  server.close();
  await once(server, 'close');
  return true;
}
