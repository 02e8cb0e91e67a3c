/** A picture in RGBA, 4 bytes a pixel; drawn into by the decoder of updates. */
export class Framebuffer {
  width: number;
  height: number;
  pixels: Buffer;

  constructor(width: number, height: number) {
    this.width = width;
    this.height = height;
    this.pixels = Buffer.alloc(width * height * 4);
  }

  resize(width: number, height: number): void {
    this.width = width;
    this.height = height;
    this.pixels = Buffer.alloc(width * height * 4);
  }

  /** Whether a rectangle lies inside. */
  holds(x: number, y: number, width: number, height: number): boolean {
    return x + width <= this.width && y + height <= this.height;
  }

  /** Draws rows of 32-bit pixels, blue first (the format that ClientSession asks for). `offset`: first pixel's index. */
  drawBgr(x: number, y: number, width: number, offset: number, bytes: Buffer): void {
    const count = bytes.length / 4;
    for (let index = 0; index < count; index += 1) {
      const at = offset + index;
      const to = ((y + Math.floor(at / width)) * this.width + x + (at % width)) * 4;
      const from = index * 4;
      this.pixels[to] = bytes[from + 2]!;
      this.pixels[to + 1] = bytes[from + 1]!;
      this.pixels[to + 2] = bytes[from]!;
      this.pixels[to + 3] = 255;
    }
  }

  copy(fromX: number, fromY: number, x: number, y: number, width: number, height: number): void {
    const rows = Array.from({ length: height }, (_, row) => {
      const at = ((fromY + row) * this.width + fromX) * 4;
      return Buffer.from(this.pixels.subarray(at, at + width * 4));
    });
    for (const [row, bytes] of rows.entries()) bytes.copy(this.pixels, ((y + row) * this.width + x) * 4);
  }
}
