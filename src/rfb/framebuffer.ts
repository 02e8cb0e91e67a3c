/** A picture in RGBA, 4 bytes a pixel; drawn into by the decoder of updates, which keeps rectangles inside. */
export class Framebuffer {
  readonly pixels: Buffer;

  constructor(
    readonly width: number,
    readonly height: number,
  ) {
    this.pixels = Buffer.alloc(width * height * 4);
  }

  /**
   * Draws 32-bit pixels, blue first (the format that ClientSession asks for), into the rows of a rectangle `width`
   * pixels wide at `x`, `y`. `offset`: how many pixels of it have been drawn before.
   */
  drawBgr(x: number, y: number, width: number, offset: number, bytes: Buffer): void {
    let column = offset % width;
    let to = ((y + Math.floor(offset / width)) * this.width + x + column) * 4;
    for (let from = 0; from + 4 <= bytes.length; from += 4) {
      this.pixels[to] = bytes[from + 2]!;
      this.pixels[to + 1] = bytes[from + 1]!;
      this.pixels[to + 2] = bytes[from]!;
      this.pixels[to + 3] = 255;
      to += 4;
      column += 1;
      if (column < width) continue;
      column = 0;
      to += (this.width - width) * 4;
    }
  }

  /** Copies a rectangle within the picture; source and destination may overlap. */
  copy(fromX: number, fromY: number, x: number, y: number, width: number, height: number): void {
    const rows = Array.from({ length: height }, (_, row) => (fromY < y ? height - 1 - row : row));
    for (const row of rows) {
      const from = ((fromY + row) * this.width + fromX) * 4;
      this.pixels.copyWithin(((y + row) * this.width + x) * 4, from, from + width * 4);
    }
  }
}
