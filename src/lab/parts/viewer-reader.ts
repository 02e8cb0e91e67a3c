/** A frame of a viewer, unmasked. */
export interface ViewerFrame {
  readonly opcode: number;
  readonly payload: Buffer;
}

/** Reads the masked frames of a viewer whole, as simple relays do. */
export class ViewerReader {
  #pending: Buffer = Buffer.alloc(0);

  feed(bytes: Buffer): ViewerFrame[] {
    this.#pending = Buffer.concat([this.#pending, bytes]);
    const frames: ViewerFrame[] = [];
    for (let frame = this.#next(); frame; frame = this.#next()) frames.push(frame);
    return frames;
  }

  #next(): ViewerFrame | undefined {
    const bytes = this.#pending;
    if (bytes.length < 2) return undefined;
    const short = bytes[1]! & 0x7f;
    const extra = short === 126 ? 2 : short === 127 ? 8 : 0;
    if (bytes.length < 6 + extra) return undefined;
    const length = extra === 2 ? bytes.readUInt16BE(2) : extra === 8 ? Number(bytes.readBigUInt64BE(2)) : short;
    const at = 6 + extra;
    if (bytes.length < at + length) return undefined;
    const payload = Buffer.from(bytes.subarray(at, at + length));
    for (let index = 0; index < length; index += 1) payload[index]! ^= bytes[at - 4 + (index & 3)]!;
    this.#pending = bytes.subarray(at + length);
    return { opcode: bytes[0]! & 0x0f, payload };
  }
}
