import { type DialOptions, type DialTarget, dial } from '../probe/index.js';
import type { DialFacts } from '../probe/facts.js';
import type { Trust } from '../trust.js';
import { type DeflateTrial, tryDeflate } from './deflate.js';
import { SIDES, type SizeTrial } from './sizes.js';

/** Asked of one target at a time; undefined: it did not open, so nothing was tried. */
export interface Trials {
  /** How long the other side kept a socket after ours had ended without a close frame; Infinity: longer than we waited. */
  leave(target: DialTarget): Promise<number | undefined>;
  /** Which pictures come, from one pixel to more than any packet holds: each over a connection of its own. */
  sizes(target: DialTarget): Promise<readonly SizeTrial[]>;
  /** What a dial without one of its headers sees; undefined: it has no such header. */
  without(target: DialTarget, header: string): Promise<DialFacts | undefined>;
  /** Whether compression that was agreed on is understood. */
  deflate(target: DialTarget): Promise<DeflateTrial | undefined>;
}

const OPEN_MS = 4_000;
/** A relay ends its socket at once; what takes longer does not notice. */
const LEAVE_MS = 3_000;

export function openTrials(trust: Trust, signal: AbortSignal): Trials {
  const options: DialOptions = { ...trust, timeoutMs: OPEN_MS, keepPicture: false, signal };
  return {
    leave: async (target) => {
      const { stream } = await dial(target, options);
      return stream?.leave(LEAVE_MS);
    },
    sizes: (target) =>
      Promise.all(
        SIDES.map(async (side): Promise<SizeTrial> => {
          const { facts, stream } = await dial(target, { ...options, firstSide: side });
          await stream?.close();
          return { side, stage: facts.stage, isFlowing: facts.flowing !== undefined };
        }),
      ),
    without: async (target, header) => {
      if (target.kind !== 'socket') return undefined;
      const others = Object.entries(target.headers).filter(([name]) => name.toLowerCase() !== header);
      if (others.length === Object.keys(target.headers).length) return undefined;
      const { facts, stream } = await dial({ ...target, headers: Object.fromEntries(others) }, options);
      await stream?.close();
      return facts;
    },
    deflate: (target) => tryDeflate(target, options),
  };
}
