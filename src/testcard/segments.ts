import type { Area } from './layout.js';

/** Which of the seven segments a digit lights: a top, b and c right, d bottom, e and f left, g middle. */
const SEGMENTS: Readonly<Record<string, string>> = {
  0: 'abcdef',
  1: 'bc',
  2: 'abdeg',
  3: 'abcdg',
  4: 'bcfg',
  5: 'acdfg',
  6: 'acdefg',
  7: 'abc',
  8: 'abcdefg',
  9: 'abcdfg',
};

/** Width of `:` and `.` relative to a digit. */
const MARK_SHARE = 0.4;

/** Draws digits, colons and points into an area by painting whole-pixel rectangles. */
export function drawDigits(text: string, into: Area, paint: (area: Area) => void): void {
  const shares = [...text].map((sign) => (SEGMENTS[sign] ? 1 : MARK_SHARE));
  const unit = into.width / shares.reduce((sum, share) => sum + share, 0);
  let left = into.x;
  for (const [index, sign] of [...text].entries()) {
    const width = unit * shares[index]!;
    const box = { x: Math.round(left + width * 0.1), y: into.y, width: Math.round(width * 0.8), height: into.height };
    for (const part of SEGMENTS[sign] ? segments(SEGMENTS[sign], box) : marks(sign, box)) paint(part);
    left += width;
  }
}

function segments(lit: string, { x, y, width, height }: Area): Area[] {
  const thick = Math.max(2, Math.round(width * 0.16));
  const middle = y + Math.floor((height - thick) / 2);
  const half = Math.floor(height / 2);
  const right = x + width - thick;
  const parts: Readonly<Record<string, Area>> = {
    a: { x, y, width, height: thick },
    b: { x: right, y, width: thick, height: half },
    c: { x: right, y: y + half, width: thick, height: height - half },
    d: { x, y: y + height - thick, width, height: thick },
    e: { x, y: y + half, width: thick, height: height - half },
    f: { x, y, width: thick, height: half },
    g: { x, y: middle, width, height: thick },
  };
  return [...lit].map((name) => parts[name]!);
}

function marks(sign: string, { x, y, width, height }: Area): Area[] {
  const size = Math.max(2, Math.min(width, Math.round(height * 0.12)));
  const dot = (at: number): Area => ({
    x: x + Math.floor((width - size) / 2),
    y: y + Math.round(at * (height - size)),
    width: size,
    height: size,
  });
  return sign === ':' ? [dot(0.28), dot(0.72)] : [dot(1)];
}
