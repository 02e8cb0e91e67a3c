/** TCP packets on a loopback Ethernet, made up byte by byte, for cases that no capture shows. */
import type { Packet } from '../../src/diagnostics/pcap/index.ts';

export interface PacketSpec {
  readonly from: number;
  readonly to: number;
  readonly sequence: number;
  readonly flags: string;
  readonly payload?: Buffer | string;
}

const FLAGS: Readonly<Record<string, number>> = { F: 1, S: 2, R: 4, P: 8, A: 16 };

export function packet({ from, to, sequence, flags, payload = '' }: PacketSpec): Packet {
  const body = Buffer.from(payload);
  const data = Buffer.alloc(54 + body.length);
  data.writeUInt16BE(0x0800, 12);
  data.writeUInt8(0x45, 14);
  data.writeUInt16BE(40 + body.length, 16);
  data.writeUInt8(6, 23);
  data.set([127, 0, 0, 1], 26);
  data.set([127, 0, 0, 1], 30);
  data.writeUInt16BE(from, 34);
  data.writeUInt16BE(to, 36);
  data.writeUInt32BE(sequence >>> 0, 38);
  data.writeUInt8(0x50, 46);
  data.writeUInt8(
    [...flags].reduce((sum, flag) => sum | FLAGS[flag]!, 0),
    47,
  );
  data.writeUInt16BE(65_535, 48);
  body.copy(data, 54);
  return { seconds: 1, nanoseconds: 0, linkType: 1, originalLength: data.length, data };
}

/** A flow between two ports whose handshake was seen; each `say` is a segment in order. */
export class FlowMaker {
  readonly packets: Packet[] = [];
  readonly #ports = { client: 40_000, server: 5_900 };
  readonly #next = { client: 1_000, server: 9_000 };

  constructor() {
    this.packets.push(
      packet({ from: 40_000, to: 5_900, sequence: 999, flags: 'S' }),
      packet({ from: 5_900, to: 40_000, sequence: 8_999, flags: 'SA' }),
      packet({ from: 40_000, to: 5_900, sequence: 1_000, flags: 'A' }),
    );
  }

  say(side: 'client' | 'server', payload: Buffer | string, { skip = 0, flags = 'PA' } = {}): this {
    const other = side === 'client' ? 'server' : 'client';
    const [from, to, sequence] = [this.#ports[side], this.#ports[other], this.#next[side] + skip];
    this.packets.push(packet({ from, to, sequence, flags, payload }));
    if (skip === 0) this.#next[side] += Buffer.byteLength(payload);
    return this;
  }
}
