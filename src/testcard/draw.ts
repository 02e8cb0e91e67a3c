import {
  type Area,
  BAR_AREAS,
  CARD_HEIGHT,
  CARD_WIDTH,
  CELLS_AREA,
  CLOCK_AREA,
  COLOURS,
  COUNTER_AREA,
  type Rgb,
  TRACK_AREA,
  cellArea,
} from './layout.js';
import { drawDigits } from './segments.js';
import { type Stamp, stampBits } from './stamp.js';

export { type Area, CARD_HEIGHT, CARD_SWATCHES, CARD_WIDTH, MOVING_AREAS } from './layout.js';
export type { Stamp } from './stamp.js';

/** Pixels of the sliding mark, and how far it goes each frame. */
const MARK_WIDTH = 60;
const MARK_STEP = 12;

/** A new card without a stamp: RGBA, CARD_WIDTH x CARD_HEIGHT, 4 bytes a pixel. */
export function drawCard(): Buffer {
  const pixels = Buffer.alloc(CARD_WIDTH * CARD_HEIGHT * 4);
  fill(pixels, { x: 0, y: 0, width: CARD_WIDTH, height: CARD_HEIGHT }, COLOURS.ground);
  for (const { area, rgb } of BAR_AREAS) fill(pixels, area, rgb);
  return pixels;
}

/** Draws a stamp onto a card: clock, counter, cells and mark. Changes MOVING_AREAS only. */
export function drawStamp(pixels: Buffer, stamp: Stamp): void {
  const time = new Date(stamp.epochMs).toISOString().slice(11, 23);
  const paint = (area: Area, rgb: Rgb): void => fill(pixels, area, rgb);
  paint(CLOCK_AREA, COLOURS.ground);
  drawDigits(time, CLOCK_AREA, (area) => paint(area, COLOURS.light));
  paint(COUNTER_AREA, COLOURS.ground);
  drawDigits(String(stamp.frame).padStart(8, '0'), COUNTER_AREA, (area) => paint(area, COLOURS.accent));
  paint(CELLS_AREA, COLOURS.black);
  for (const [index, bit] of stampBits(stamp).entries()) if (bit) paint(cellArea(index), COLOURS.white);
  paint(TRACK_AREA, COLOURS.dim);
  const room = TRACK_AREA.width - MARK_WIDTH;
  const way = (stamp.frame * MARK_STEP) % (2 * room);
  paint({ ...TRACK_AREA, x: TRACK_AREA.x + (way < room ? way : 2 * room - way), width: MARK_WIDTH }, COLOURS.accent);
}

function fill(pixels: Buffer, area: Area, [red, green, blue]: Rgb): void {
  const row = Buffer.alloc(area.width * 4, Buffer.from([red, green, blue, 255]));
  for (let y = area.y; y < area.y + area.height; y += 1) row.copy(pixels, (y * CARD_WIDTH + area.x) * 4);
}
