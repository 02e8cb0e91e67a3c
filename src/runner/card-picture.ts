import type { Clock } from '../core/index.js';
import type { PixelFormat } from '../rfb/index.js';
import { type Area, CARD_HEIGHT, CARD_WIDTH, drawCard, drawStamp } from '../testcard/index.js';
import { encodeUpdate } from './card-encode.js';

/** Encoded updates that are kept for one frame: viewers of the same kind share theirs. */
const MAX_ENCODED = 4;

/** The picture of one test card: the frame that it shows, and that frame as bytes for viewers. */
export class CardPicture {
  readonly whole: Area = { x: 0, y: 0, width: CARD_WIDTH, height: CARD_HEIGHT };
  readonly #clock: Clock;
  readonly #pixels = drawCard();
  readonly #encoded = new Map<string, Buffer>();
  #frame = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.advance();
  }

  /** Counts from 1. */
  get frame(): number {
    return this.#frame;
  }

  /** Draws the next frame, stamped with the time of now. */
  advance(): void {
    this.#frame += 1;
    drawStamp(this.#pixels, { frame: this.#frame, epochMs: this.#clock.now() });
    this.#encoded.clear();
  }

  /** A FramebufferUpdate of these areas of the frame. */
  update(areas: readonly Area[], format: PixelFormat): Buffer {
    const key = JSON.stringify([areas, format]);
    const known = this.#encoded.get(key);
    if (known) return known;
    const made = encodeUpdate({ width: CARD_WIDTH, pixels: this.#pixels }, areas, format);
    const [oldest] = this.#encoded.keys();
    if (this.#encoded.size >= MAX_ENCODED && oldest !== undefined) this.#encoded.delete(oldest);
    this.#encoded.set(key, made);
    return made;
  }
}
