import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Buffers are given back by a thread beside ours, and counted as gone when the next sweep begins. */
const SWEEPS = 4;

/** Bytes that buffers and objects hold now, what nobody refers to any more swept away first. */
export function heldBytes(): number {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  for (let sweep = 0; sweep < SWEEPS; sweep += 1) collect();
  const { arrayBuffers, heapUsed } = process.memoryUsage();
  return arrayBuffers + heapUsed;
}
