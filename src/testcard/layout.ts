/** Where things are on the card, in pixels. Drawing and reading share it. */
export const CARD_WIDTH = 1280;
export const CARD_HEIGHT = 720;

export interface Area {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export type Rgb = readonly [red: number, green: number, blue: number];

export const COLOURS = {
  ground: [16, 20, 28],
  dim: [38, 46, 60],
  light: [226, 232, 240],
  accent: [94, 234, 212],
  black: [0, 0, 0],
  white: [255, 255, 255],
} as const satisfies Record<string, Rgb>;

const BARS: readonly Rgb[] = [
  [235, 235, 235],
  [235, 215, 40],
  [40, 205, 215],
  [60, 190, 70],
  [200, 60, 190],
  [210, 50, 50],
  [50, 80, 215],
  [34, 102, 170],
];

const MARGIN = 80;
const BAR_WIDTH = (CARD_WIDTH - 2 * MARGIN) / BARS.length;

export const BAR_AREAS: readonly { readonly area: Area; readonly rgb: Rgb }[] = BARS.map((rgb, index) => ({
  area: { x: MARGIN + index * BAR_WIDTH, y: 60, width: BAR_WIDTH, height: 150 },
  rgb,
}));

/** One pixel inside each colour bar, and the colour that must be there. */
export const CARD_SWATCHES: readonly { readonly x: number; readonly y: number; readonly rgb: Rgb }[] = BAR_AREAS.map(
  ({ area, rgb }) => ({ x: area.x + area.width / 2, y: area.y + area.height / 2, rgb }),
);

/** The stamp: 32 bits of frame number, 48 of epoch milliseconds, 16 of checksum, most significant first. */
export const FRAME_BITS = 32;
export const TIME_BITS = 48;
export const CHECK_BITS = 16;
export const STAMP_BITS = FRAME_BITS + TIME_BITS + CHECK_BITS;

const CELL = 20;
const CELLS_A_ROW = 48;
export const CELLS_AREA: Area = {
  x: (CARD_WIDTH - CELLS_A_ROW * CELL) / 2,
  y: 540,
  width: CELLS_A_ROW * CELL,
  height: (STAMP_BITS / CELLS_A_ROW) * CELL,
};

/** The square of one bit. */
export function cellArea(bit: number): Area {
  return {
    x: CELLS_AREA.x + (bit % CELLS_A_ROW) * CELL,
    y: CELLS_AREA.y + Math.floor(bit / CELLS_A_ROW) * CELL,
    width: CELL,
    height: CELL,
  };
}

export const CLOCK_AREA: Area = { x: 190, y: 270, width: 900, height: 150 };
export const COUNTER_AREA: Area = { x: 440, y: 450, width: 400, height: 50 };
export const TRACK_AREA: Area = { x: MARGIN, y: 630, width: CARD_WIDTH - 2 * MARGIN, height: 24 };

/** What differs from one frame to the next, and nothing else does. */
export const MOVING_AREAS: readonly Area[] = [CLOCK_AREA, COUNTER_AREA, CELLS_AREA, TRACK_AREA];
