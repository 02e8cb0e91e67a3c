import { type Unmask, unmaskMemory } from '../../websocket/index.js';
import { type Adopt, adoptInto } from './internals.js';
import { SlabPool } from './slabs.js';

/** One read of a socket: larger reads mean fewer calls, until they no longer stay in the cache. */
const READ_BYTES = 524_288;
/** Two reads and their headers fit. */
const SLAB_BYTES = 1_048_640;
/** Towards runners, in the memory that unmasks; runners that do not read get parts of their own beyond that. */
const UPWARD_SLABS = 4;
/** Towards viewers, kept for later when they are free. */
const KEPT_SLABS = 4;

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
  let made = 0;
  return {
    memory,
    unmask,
    fromViewers,
    adopt: adoptInto(fromViewers),
    fromRunners: Buffer.allocUnsafeSlow(READ_BYTES),
    towardsRunners: new SlabPool(() => {
      if (made === UPWARD_SLABS) return undefined;
      const at = READ_BYTES + made * SLAB_BYTES;
      made += 1;
      return memory.subarray(at, at + SLAB_BYTES);
    }, UPWARD_SLABS),
    towardsViewers: new SlabPool(() => Buffer.allocUnsafeSlow(SLAB_BYTES), KEPT_SLABS),
  };
}
