import { createServer } from 'node:net';
import { once } from 'node:events';
import { CamofleetError } from '../core/index.js';
import { type XDisplays } from './x-locks.js';
import { slotSkipped } from './events.js';

/** A display, an RFB port and a legacy id as one thing: they are leased and given back together. */
export interface Slot {
  readonly display: number;
  readonly rfbPort: number;
}

export interface SlotLease extends Slot {
  /** Gives the slot back; it is the last to be used again. */
  release(): void;
}

interface Ranges {
  readonly displays: { readonly min: number; readonly max: number };
  readonly rfbPorts: { readonly min: number; readonly max: number };
  readonly host: string;
}

/** Slots that are free, longest unused first. One that a stranger holds is skipped and tried again later. */
export class SlotPool {
  readonly #free: Slot[];
  readonly #host: string;
  readonly #displays: XDisplays;

  constructor(ranges: Ranges, displays: XDisplays) {
    const size = Math.min(ranges.displays.max - ranges.displays.min, ranges.rfbPorts.max - ranges.rfbPorts.min) + 1;
    this.#free = Array.from({ length: Math.max(0, size) }, (_, index) => ({
      display: ranges.displays.min + index,
      rfbPort: ranges.rfbPorts.min + index,
    }));
    this.#host = ranges.host;
    this.#displays = displays;
  }

  /** Leases a slot whose port, and display when one is needed, nobody holds. Throws CF_SLOTS_EXHAUSTED. */
  async acquire(needsDisplay: boolean): Promise<SlotLease> {
    for (let tries = this.#free.length; tries > 0; tries -= 1) {
      const slot = this.#free.shift();
      if (!slot) break;
      const stranger = await this.#heldBy(slot, needsDisplay);
      if (stranger === undefined) return { ...slot, release: () => void this.#free.push(slot) };
      this.#free.push(slot);
      slotSkipped.publish(stranger);
    }
    throw new CamofleetError(
      'CF_SLOTS_EXHAUSTED',
      'no slot is free: every display or RFB port of the ranges is in use',
    );
  }

  async #heldBy(slot: Slot, needsDisplay: boolean): Promise<{ what: string; because: string } | undefined> {
    if (!(await isPortFree(this.#host, slot.rfbPort)))
      return { what: `port ${slot.rfbPort}`, because: 'somebody else listens on it' };
    if (!needsDisplay) return undefined;
    const holder = await this.#displays.holder(slot.display);
    return holder === undefined ? undefined : { what: `display :${slot.display}`, because: holder };
  }
}

/** Whether a server could bind this address and port now. */
async function isPortFree(host: string, port: number): Promise<boolean> {
  const server = createServer();
  server.listen({ host, port, exclusive: true });
  try {
    await once(server, 'listening');
  } catch {
    return false; // in use, or an address that is not ours: either way not to be leased
  }
  server.close();
  await once(server, 'close');
  return true;
}
