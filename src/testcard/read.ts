import { type Result, err, ok } from '../core/index.js';
import { CARD_HEIGHT, CARD_WIDTH, STAMP_BITS, cellArea } from './layout.js';
import { type Stamp, stampFromBits } from './stamp.js';

/** Half of full brightness: cells are black or white. */
const THRESHOLD = 128;

/** Reads the stamp back from RGBA pixels; the error says why they are no test card. */
export function readCard(picture: {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint8Array;
}): Result<Stamp, string> {
  if (picture.width !== CARD_WIDTH || picture.height !== CARD_HEIGHT)
    return err(`${picture.width}x${picture.height} pixels, a test card has ${CARD_WIDTH}x${CARD_HEIGHT}`);
  const bits = Array.from({ length: STAMP_BITS }, (_, bit) => {
    const { x, y, width, height } = cellArea(bit);
    const at = ((y + height / 2) * CARD_WIDTH + x + width / 2) * 4;
    return (picture.pixels[at + 1] ?? 0) >= THRESHOLD;
  });
  const stamp = stampFromBits(bits);
  return stamp ? ok(stamp) : err('the checksum of the cells is wrong');
}
