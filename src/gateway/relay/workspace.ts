import { type Unmask, unmaskMemory } from '../../websocket/index.js';
import { type Adopt, adoptInto } from './internals.js';
import { SlabPool } from './slabs.js';

/** One read of a socket: larger reads mean fewer calls, until they no longer stay in the cache. */
export const READ_BYTES = 524_288;
/** Two reads and their headers fit. */
const SLAB_BYTES = 1_048_640;
/** Towards runners, in the memory that unmasks; runners that do not read get parts of their own beyond that. */
const UPWARD_SLABS = 4;
/** Towards viewers, beside the buffer that runners are read into; these are kept when they are free. */
const DOWNWARD_SLABS = 4;
/**
 * Between that buffer and the first slab: half a page. What is read at the beginning of one page and copied to a little
 * behind the beginning of another is taken by the processor for something that it has just stored (4K aliasing), and
 * copied at a fifth of the speed.
 */
const APART_BYTES = 2_048;

/** The memory that all sockets of a process share. An idle session owns none of it; a session that waits owns one read. */
export interface Workspace {
  /** Holds `reading` and the slabs towards runners. */
  readonly memory: Uint8Array;
  readonly unmask: Unmask;
  /** Where every viewer is read into: the first bytes of `memory`. */
  readonly fromViewers: Buffer;
  /** Makes an accepted socket read there. */
  readonly adopt: Adopt;
  /** Where every runner is read into. */
  readonly fromRunners: Buffer;
  readonly towardsRunners: SlabPool;
  readonly towardsViewers: SlabPool;
}

export function makeWorkspace(): Workspace {
  const { memory, unmask } = unmaskMemory(READ_BYTES + UPWARD_SLABS * SLAB_BYTES);
  const fromViewers = Buffer.from(memory.buffer, memory.byteOffset, READ_BYTES);
  const slabsAt = READ_BYTES + APART_BYTES;
  const downward = Buffer.allocUnsafeSlow(slabsAt + DOWNWARD_SLABS * SLAB_BYTES);
  return {
    memory,
    unmask,
    fromViewers,
    adopt: adoptInto(fromViewers),
    fromRunners: downward.subarray(0, READ_BYTES),
    towardsRunners: new SlabPool(slabsIn(memory, READ_BYTES, UPWARD_SLABS), UPWARD_SLABS),
    towardsViewers: new SlabPool(
      slabsIn(downward, slabsAt, DOWNWARD_SLABS, () => Buffer.allocUnsafeSlow(SLAB_BYTES)),
      DOWNWARD_SLABS,
    ),
  };
}

/** Hands out the slabs that lie in `memory` from `start` on, then what `beyond` makes. */
function slabsIn(memory: Uint8Array, start: number, count: number, beyond = none): () => Uint8Array | undefined {
  let made = 0;
  return () => {
    if (made === count) return beyond();
    const at = start + made * SLAB_BYTES;
    made += 1;
    return memory.subarray(at, at + SLAB_BYTES);
  };
}

const none = (): Uint8Array | undefined => undefined;
