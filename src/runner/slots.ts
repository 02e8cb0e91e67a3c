import { once } from 'node:events';
import { createServer } from 'node:net';
import { CamofleetError, errorText } from '../core/index.js';
import { slotSkipped } from './events.js';
import type { XDisplays } from './x-locks.js';

/** A display, an RFB port and a legacy id as one thing: they are leased and given back together. */
export interface Slot {
  readonly display: number;
  readonly rfbPort: number;
  /** The numeric id that gateways with open identities count from the RFB port. */
  readonly legacyId: number;
}

export interface SlotLease extends Slot {
  /** Gives the slot back; it is the last to be used again. */
  release(): void;
}

interface Range {
  readonly min: number;
  readonly max: number;
}

interface Ranges {
  readonly displays: Range;
  readonly rfbPorts: Range;
  readonly legacyIds: Range;
  /** Where RFB servers listen. */
  readonly host: string;
}

/** Slots that are free, longest unused first. One that a stranger holds is skipped and tried again later. */
export class SlotPool {
  readonly #free: Slot[];
  readonly #host: string;
  readonly #displays: XDisplays;

  constructor({ displays, rfbPorts, legacyIds, host }: Ranges, xDisplays: XDisplays) {
    const size = Math.min(...[displays, rfbPorts, legacyIds].map(({ min, max }) => max - min + 1));
    this.#free = Array.from({ length: size }, (_, index) => ({
      display: displays.min + index,
      rfbPort: rfbPorts.min + index,
      legacyId: legacyIds.min + index,
    }));
    this.#host = host;
    this.#displays = xDisplays;
  }

  /** Leases a slot whose port, and display when one is needed, nobody holds. Throws CF_SLOTS_EXHAUSTED. */
  async acquire(needsDisplay: boolean): Promise<SlotLease> {
    const strangers = new Set<Slot>();
    for (let tries = this.#free.length; tries > 0; tries -= 1) {
      const slot = this.#free.shift();
      if (!slot) break;
      const stranger = await this.#heldBy(slot, needsDisplay);
      if (stranger === undefined) return this.#lease(slot);
      strangers.add(slot);
      this.#free.push(slot);
      slotSkipped.publish(stranger);
    }
    const held = strangers.size > 0 ? `; ${strangers.size} cannot be used, the log says why` : '';
    throw new CamofleetError('CF_SLOTS_EXHAUSTED', `no slot (display and RFB port) is free${held}`);
  }

  #lease(slot: Slot): SlotLease {
    let leased = true;
    const release = (): void => {
      if (leased) this.#free.push(slot);
      leased = false;
    };
    return { ...slot, release };
  }

  async #heldBy(slot: Slot, needsDisplay: boolean): Promise<{ what: string; because: string } | undefined> {
    const problem = await bindProblem(this.#host, slot.rfbPort);
    if (problem !== undefined) return { what: `port ${slot.rfbPort}`, because: problem };
    if (!needsDisplay) return undefined;
    const holder = await this.#displays.holder(slot.display);
    return holder === undefined ? undefined : { what: `display :${slot.display}`, because: holder };
  }
}

/** Why a server could not bind this address and port now, in words; undefined when it could. */
async function bindProblem(host: string, port: number): Promise<string | undefined> {
  const server = createServer();
  server.listen({ host, port, exclusive: true });
  try {
    await once(server, 'listening');
  } catch (error) {
    const isTaken = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
    return isTaken ? 'somebody else listens on it' : `it cannot be bound: ${errorText(error)}`;
  }
  server.close();
  await once(server, 'close');
  return undefined;
}
