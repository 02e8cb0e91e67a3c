import { ByteQueue } from './byte-queue.js';
import { encodeSetEncodings, encodeUpdateRequest } from './client-messages.js';
import { Framebuffer } from './framebuffer.js';
import { type ServerInit, TRUE_COLOUR_32, encodePixelFormat } from './server-init.js';

export type SessionEvent =
  /** A whole FramebufferUpdate has been read. */
  | { readonly type: 'update'; readonly rectangles: number; readonly pixels: number }
  | { readonly type: 'resized'; readonly width: number; readonly height: number }
  | { readonly type: 'bell' }
  | { readonly type: 'cutText'; readonly length: number }
  | { readonly type: 'malformed'; readonly want: string; readonly got: string };

const RAW = 0;
const COPY_RECT = 1;
const DESKTOP_SIZE = -223;
const LAST_RECT = -224;
/** The largest picture that is taken from a peer, in pixels: 16384 x 8192. */
const MAX_PIXELS = 134_217_728;

const FRAMEBUFFER_UPDATE = 0;
const SET_COLOUR_MAP = 1;
const BELL = 2;
const SERVER_CUT_TEXT = 3;

interface Rectangle {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/**
 * What a server sends after ServerInit (RFC 6143 section 7.6): Raw, CopyRect, DesktopSize, LastRect. With `keepPicture`
 * the pixels are drawn into `picture`, without it they are only counted, in constant memory.
 */
export class ClientSession {
  readonly picture: Framebuffer | undefined;
  readonly #queue = new ByteQueue();
  #width: number;
  #height: number;
  #rectanglesLeft = 0;
  #counted = { rectangles: 0, pixels: 0 };
  #raw: (Rectangle & { done: number }) | undefined;
  #skip = 0;
  #ended = false;

  constructor(init: ServerInit, options: { readonly keepPicture: boolean }) {
    this.#width = init.width;
    this.#height = init.height;
    this.picture =
      options.keepPicture && init.width * init.height <= MAX_PIXELS
        ? new Framebuffer(init.width, init.height)
        : undefined;
  }

  /** SetPixelFormat, SetEncodings and a request for the whole picture. */
  start(): Buffer {
    const format = Buffer.concat([Buffer.from([0, 0, 0, 0]), encodePixelFormat(TRUE_COLOUR_32)]);
    return Buffer.concat([format, encodeSetEncodings([COPY_RECT, RAW, DESKTOP_SIZE, LAST_RECT]), this.request(false)]);
  }

  /** A request for what has changed, or for all of it. */
  request(incremental: boolean): Buffer {
    return encodeUpdateRequest(incremental, { x: 0, y: 0, width: this.#width, height: this.#height });
  }

  feed(chunk: Uint8Array): SessionEvent[] {
    this.#queue.push(chunk);
    const events: SessionEvent[] = [];
    while (!this.#ended) {
      const event = this.#next();
      if (event === undefined) break;
      if (event !== 'more') events.push(event);
    }
    return events;
  }

  #next(): SessionEvent | 'more' | undefined {
    if (this.#skip > 0) return this.#skipBytes();
    if (this.#raw) return this.#rawPiece(this.#raw);
    if (this.#rectanglesLeft > 0) return this.#rectangle();
    const type = this.#queue.peek(1)?.[0];
    if (type === undefined) return undefined;
    switch (type) {
      case FRAMEBUFFER_UPDATE:
        return this.#update();
      case SET_COLOUR_MAP:
        return this.#sized(6, (head) => head.readUInt16BE(4) * 6, 'more');
      case BELL:
        this.#queue.take(1);
        return { type: 'bell' };
      case SERVER_CUT_TEXT: {
        const length = Math.abs(this.#queue.peek(8)?.readInt32BE(4) ?? 0);
        return this.#sized(8, () => length, { type: 'cutText', length });
      }
      default:
        return this.#malformed('a server message 0 to 3', `type ${type}`);
    }
  }

  #sized(
    head: number,
    length: (head: Buffer) => number,
    event: SessionEvent | 'more',
  ): SessionEvent | 'more' | undefined {
    const bytes = this.#queue.take(head);
    if (!bytes) return undefined;
    this.#skip = length(bytes);
    return event;
  }

  #skipBytes(): 'more' | undefined {
    const taken = this.#queue.take(Math.min(this.#skip, this.#queue.length));
    if (!taken || taken.length === 0) return undefined;
    this.#skip -= taken.length;
    return 'more';
  }

  #update(): SessionEvent | 'more' | undefined {
    const head = this.#queue.take(4);
    if (!head) return undefined;
    this.#rectanglesLeft = head.readUInt16BE(2);
    this.#counted = { rectangles: 0, pixels: 0 };
    return this.#rectanglesLeft === 0 ? this.#finished() : 'more';
  }

  #rectangle(): SessionEvent | 'more' | undefined {
    const head = this.#queue.peek(12);
    if (!head) return undefined;
    const area = {
      x: head.readUInt16BE(0),
      y: head.readUInt16BE(2),
      width: head.readUInt16BE(4),
      height: head.readUInt16BE(6),
    };
    const encoding = head.readInt32BE(8);
    if (encoding === LAST_RECT) return this.#lastRect();
    if (encoding === DESKTOP_SIZE) return this.#desktopSize(area);
    if (area.x + area.width > this.#width || area.y + area.height > this.#height)
      return this.#malformed(
        `a rectangle inside ${this.#width}x${this.#height}`,
        `${area.width}x${area.height} at ${area.x},${area.y}`,
      );
    if (encoding === COPY_RECT) return this.#copyRect(area);
    if (encoding !== RAW) return this.#malformed('an encoding that was asked for', `encoding ${encoding}`);
    this.#queue.take(12);
    if (area.width * area.height === 0) return this.#rectangleDone(0);
    this.#raw = { ...area, done: 0 };
    return 'more';
  }

  #rawPiece(raw: Rectangle & { done: number }): SessionEvent | 'more' | undefined {
    const total = raw.width * raw.height;
    const whole = Math.min(total - raw.done, Math.floor(this.#queue.length / 4));
    const bytes = whole > 0 ? this.#queue.take(whole * 4) : undefined;
    if (!bytes) return undefined;
    this.picture?.drawBgr(raw.x, raw.y, raw.width, raw.done, bytes);
    raw.done += whole;
    if (raw.done < total) return 'more';
    this.#raw = undefined;
    return this.#rectangleDone(total);
  }

  #copyRect(area: Rectangle): SessionEvent | 'more' | undefined {
    const bytes = this.#queue.take(16);
    if (!bytes) return undefined;
    const [fromX, fromY] = [bytes.readUInt16BE(12), bytes.readUInt16BE(14)];
    if (this.picture?.holds(fromX, fromY, area.width, area.height))
      this.picture.copy(fromX, fromY, area.x, area.y, area.width, area.height);
    return this.#rectangleDone(area.width * area.height);
  }

  #desktopSize({ width, height }: Rectangle): SessionEvent | 'more' {
    this.#queue.take(12);
    if (width * height > MAX_PIXELS) return this.#malformed(`at most ${MAX_PIXELS} pixels`, `${width}x${height}`);
    this.#width = width;
    this.#height = height;
    this.picture?.resize(width, height);
    this.#rectanglesLeft -= 1;
    return { type: 'resized', width, height };
  }

  #lastRect(): SessionEvent {
    this.#queue.take(12);
    this.#rectanglesLeft = 0;
    return this.#finished();
  }

  #rectangleDone(pixels: number): SessionEvent | 'more' {
    this.#counted = { rectangles: this.#counted.rectangles + 1, pixels: this.#counted.pixels + pixels };
    this.#rectanglesLeft -= 1;
    return this.#rectanglesLeft === 0 ? this.#finished() : 'more';
  }

  #finished(): SessionEvent {
    return { type: 'update', ...this.#counted };
  }

  #malformed(want: string, got: string): SessionEvent {
    this.#ended = true;
    return { type: 'malformed', want, got };
  }
}
