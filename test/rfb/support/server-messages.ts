export interface Area {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export const DESKTOP_SIZE = -223;
export const LAST_RECT = -224;

/** A FramebufferUpdate of rectangles; `count` tells another number than there are. */
export function update(rectangles: readonly Buffer[], count = rectangles.length): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt16BE(count, 2);
  return Buffer.concat([head, ...rectangles]);
}

export function rectangle(encoding: number, { x, y, width, height }: Area, body: Uint8Array = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(12);
  head.writeUInt16BE(x, 0);
  head.writeUInt16BE(y, 2);
  head.writeUInt16BE(width, 4);
  head.writeUInt16BE(height, 6);
  head.writeInt32BE(encoding, 8);
  return Buffer.concat([head, body]);
}

/** A Raw rectangle of 32-bit pixels, blue first, all of one colour. */
export function raw(area: Area, [red, green, blue]: readonly [number, number, number]): Buffer {
  const body = Buffer.alloc(area.width * area.height * 4);
  for (let at = 0; at < body.length; at += 4) body.writeUInt32LE((red << 16) | (green << 8) | blue, at);
  return rectangle(0, area, body);
}

export function copyRect(area: Area, fromX: number, fromY: number): Buffer {
  const from = Buffer.alloc(4);
  from.writeUInt16BE(fromX, 0);
  from.writeUInt16BE(fromY, 2);
  return rectangle(1, area, from);
}

export const BELL = Buffer.from([2]);

export function cutText(text: string): Buffer {
  const head = Buffer.alloc(8);
  head[0] = 3;
  head.writeInt32BE(text.length, 4);
  return Buffer.concat([head, Buffer.from(text, 'latin1')]);
}

/** SetColourMapEntries. */
export function colourMap(colours: number): Buffer {
  const head = Buffer.alloc(6);
  head[0] = 1;
  head.writeUInt16BE(colours, 4);
  return Buffer.concat([head, Buffer.alloc(colours * 6, 9)]);
}
