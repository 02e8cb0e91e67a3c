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
  /** Bytes that are no message of a server to us; parsing has ended. */
  | { readonly type: 'malformed'; readonly want: string; readonly got: string };

const RAW = 0;
const COPY_RECT = 1;
const DESKTOP_SIZE = -223;
const LAST_RECT = -224;
/** The largest picture that is kept, in pixels: 8192 x 8192, 256 MB. Of a larger screen the pixels are only counted. */
const MAX_PIXELS = 67_108_864;

const FRAMEBUFFER_UPDATE = 0;
const SET_COLOUR_MAP = 1;
const BELL = 2;
const SERVER_CUT_TEXT = 3;

const BYTES_A_PIXEL = 4;
const BYTES_A_COLOUR = 6;

interface Rectangle {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/**
 * What a server sends after ServerInit (RFC 6143 section 7.6) to a client that asks for Raw, CopyRect, DesktopSize and
 * LastRect. With `keepPicture` the pixels are drawn into `picture`, without it they are only counted, in constant memory.
 */
export class ClientSession {
  readonly #queue = new ByteQueue();
  readonly #keepPicture: boolean;
  #picture: Framebuffer | undefined;
  #width: number;
  #height: number;
  /** The update that is being read. */
  #update: { left: number; rectangles: number; pixels: number } | undefined;
  #raw: (Rectangle & { done: number }) | undefined;
  #skip = 0;
  #ended = false;

  constructor(init: ServerInit, options: { readonly keepPicture: boolean }) {
    this.#keepPicture = options.keepPicture;
    this.#width = init.width;
    this.#height = init.height;
    this.#picture = this.#emptyPicture();
  }

  /** What has been drawn; undefined when it is not kept, or is larger than what is kept. */
  get picture(): Framebuffer | undefined {
    return this.#picture;
  }

  /** SetPixelFormat, SetEncodings and a request for the whole picture, or for a corner of it. */
  start(side?: number): Buffer {
    const format = Buffer.concat([Buffer.from([0, 0, 0, 0]), encodePixelFormat(TRUE_COLOUR_32)]);
    return Buffer.concat([
      format,
      encodeSetEncodings([COPY_RECT, RAW, DESKTOP_SIZE, LAST_RECT]),
      this.request(false, side),
    ]);
  }

  /** A request for what has changed, or for all of it; of the whole picture, or of a corner so many pixels wide and high. */
  request(incremental: boolean, side = Number.POSITIVE_INFINITY): Buffer {
    const width = Math.min(side, this.#width);
    return encodeUpdateRequest(incremental, { x: 0, y: 0, width, height: Math.min(side, this.#height) });
  }

  feed(chunk: Uint8Array): SessionEvent[] {
    const events: SessionEvent[] = [];
    if (!this.#ended) this.#queue.push(chunk);
    while (!this.#ended) {
      const event = this.#next();
      if (event === undefined) break;
      if (event !== 'more') events.push(event);
    }
    if (this.#ended) this.#queue.skip(this.#queue.length);
    return events;
  }

  #next(): SessionEvent | 'more' | undefined {
    if (this.#skip > 0) return this.#skipBytes();
    if (this.#raw) return this.#rawPiece(this.#raw);
    if (this.#update) return this.#update.left > 0 ? this.#rectangle() : this.#finished(this.#update);
    const type = this.#queue.peek(1)?.[0];
    if (type === undefined) return undefined;
    switch (type) {
      case FRAMEBUFFER_UPDATE:
        return this.#begin();
      case SET_COLOUR_MAP:
        return this.#colourMap();
      case BELL:
        this.#queue.skip(1);
        return { type: 'bell' };
      case SERVER_CUT_TEXT:
        return this.#cutText();
      default:
        return this.#malformed('a server message 0 to 3', `type ${type}`);
    }
  }

  /** Nobody here needs it: with true colour the map is not used. */
  #colourMap(): 'more' | undefined {
    const head = this.#queue.take(6);
    if (!head) return undefined;
    this.#skip = head.readUInt16BE(4) * BYTES_A_COLOUR;
    return 'more';
  }

  /** The text itself is passed over: it may be a secret of the viewer's. */
  #cutText(): SessionEvent | undefined {
    const length = this.#queue.take(8)?.readInt32BE(4);
    if (length === undefined) return undefined;
    if (length < 0)
      return this.#malformed('clipboard text in its plain form', `an extended clipboard message of ${-length} bytes`);
    this.#skip = length;
    return { type: 'cutText', length };
  }

  #skipBytes(): 'more' | undefined {
    const skipped = this.#queue.skip(this.#skip);
    this.#skip -= skipped;
    return skipped === 0 ? undefined : 'more';
  }

  #begin(): 'more' | undefined {
    const left = this.#queue.take(4)?.readUInt16BE(2);
    if (left === undefined) return undefined;
    this.#update = { left, rectangles: 0, pixels: 0 };
    return 'more';
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
    if (encoding === COPY_RECT) return this.#copyRect(area);
    this.#queue.skip(12);
    if (encoding === RAW) return this.#beginRaw(area);
    if (encoding === DESKTOP_SIZE) return this.#desktopSize(area);
    if (encoding !== LAST_RECT) return this.#malformed('an encoding that was asked for', `encoding ${encoding}`);
    if (this.#update) this.#update.left = 0;
    return 'more';
  }

  #beginRaw(area: Rectangle): SessionEvent | 'more' {
    if (!this.#holds(area)) return this.#outside('a rectangle', area);
    if (area.width * area.height === 0) return this.#rectangleDone(0);
    this.#raw = { ...area, done: 0 };
    return 'more';
  }

  #rawPiece(raw: Rectangle & { done: number }): 'more' | undefined {
    const total = raw.width * raw.height;
    const whole = Math.min(total - raw.done, Math.floor(this.#queue.length / BYTES_A_PIXEL));
    if (whole === 0) return undefined;
    const bytes = this.#picture && this.#queue.take(whole * BYTES_A_PIXEL);
    if (bytes) this.#picture?.drawBgr(raw.x, raw.y, raw.width, raw.done, bytes);
    else this.#queue.skip(whole * BYTES_A_PIXEL);
    raw.done += whole;
    if (raw.done < total) return 'more';
    this.#raw = undefined;
    return this.#rectangleDone(total);
  }

  #copyRect(area: Rectangle): SessionEvent | 'more' | undefined {
    const bytes = this.#queue.take(16);
    if (!bytes) return undefined;
    const from = { ...area, x: bytes.readUInt16BE(12), y: bytes.readUInt16BE(14) };
    if (!this.#holds(area)) return this.#outside('a rectangle', area);
    if (!this.#holds(from)) return this.#outside('the source of a copy', from);
    this.#picture?.copy(from.x, from.y, area.x, area.y, area.width, area.height);
    return this.#rectangleDone(area.width * area.height);
  }

  #desktopSize({ width, height }: Rectangle): SessionEvent {
    this.#width = width;
    this.#height = height;
    this.#picture = this.#emptyPicture();
    if (this.#update) this.#update.left -= 1;
    return { type: 'resized', width, height };
  }

  #rectangleDone(pixels: number): 'more' {
    if (this.#update) {
      this.#update.left -= 1;
      this.#update.rectangles += 1;
      this.#update.pixels += pixels;
    }
    return 'more';
  }

  #finished({ rectangles, pixels }: { readonly rectangles: number; readonly pixels: number }): SessionEvent {
    this.#update = undefined;
    return { type: 'update', rectangles, pixels };
  }

  #emptyPicture(): Framebuffer | undefined {
    const fits = this.#width * this.#height <= MAX_PIXELS;
    return this.#keepPicture && fits ? new Framebuffer(this.#width, this.#height) : undefined;
  }

  #holds({ x, y, width, height }: Rectangle): boolean {
    return x + width <= this.#width && y + height <= this.#height;
  }

  #outside(what: string, { x, y, width, height }: Rectangle): SessionEvent {
    return this.#malformed(`${what} inside ${this.#width}x${this.#height}`, `${width}x${height} at ${x},${y}`);
  }

  #malformed(want: string, got: string): SessionEvent {
    this.#ended = true;
    return { type: 'malformed', want, got };
  }
}
