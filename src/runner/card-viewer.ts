import type { Socket } from 'node:net';
import { errorText } from '../core/index.js';
import {
  type ClientMessage,
  ClientMessageParser,
  type PixelFormat,
  ServerHandshake,
  TRUE_COLOUR_32,
  encodeServerInit,
} from '../rfb/index.js';
import { type Area, MOVING_AREAS } from '../testcard/index.js';
import { encodeUpdate } from './card-encode.js';

interface Card {
  readonly width: number;
  readonly height: number;
  /** RGBA, 4 bytes a pixel. */
  readonly pixels: Buffer;
  readonly frame: number;
}

interface Options {
  readonly name: string;
  readonly password: string;
  readonly challenge: Buffer;
  readonly onEnd: (why: string) => void;
}

/** A viewer that has not finished the opening by then gives its place up. */
const OPENING_MS = 10_000;

/**
 * One viewer of a test card: opening, requests in, rectangles out. At most one update waits in the socket at a time, so
 * a viewer that does not read costs one full picture (3.7 MB) and no more.
 */
export class CardViewer {
  readonly #socket: Socket;
  readonly #card: Card;
  readonly #options: Options;
  readonly #handshake: ServerHandshake;
  readonly #parser = new ClientMessageParser();
  readonly #opening: NodeJS.Timeout;
  #format: PixelFormat = TRUE_COLOUR_32;
  #sentFrame = 0;
  #wanted: { readonly incremental: boolean; readonly area: Area } | undefined;
  #ended = false;

  constructor(socket: Socket, card: Card, options: Options) {
    this.#socket = socket;
    this.#card = card;
    this.#options = options;
    this.#handshake = new ServerHandshake({ type: 'vnc', password: options.password, challenge: options.challenge });
    this.#opening = setTimeout(() => this.end('the opening took too long'), OPENING_MS);
    socket.on('data', (bytes) => this.#receive(bytes));
    socket.on('drain', () => this.#update());
    socket.once('end', () => this.end('the viewer left'));
    socket.once('close', () => this.end('the connection closed'));
    socket.on('error', (error) => this.end(errorText(error)));
    socket.write(this.#handshake.start());
  }

  cardChanged(): void {
    this.#update();
  }

  end(why: string): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#opening);
    this.#socket.end();
    this.#socket.destroySoon();
    this.#options.onEnd(why);
  }

  #receive(bytes: Buffer): void {
    if (this.#ended) return;
    if (!this.#handshake.done) this.#open(bytes);
    else this.#read(bytes);
  }

  #open(bytes: Buffer): void {
    for (const event of this.#handshake.feed(bytes)) {
      if (event.type === 'send') this.#socket.write(event.bytes);
      if (event.type === 'authFailed') this.end('wrong password');
      if (event.type === 'malformed') this.end(`wanted ${event.want}, got ${event.got}`);
      if (event.type === 'clientInit') {
        clearTimeout(this.#opening);
        const { width, height } = this.#card;
        this.#socket.write(encodeServerInit({ width, height, format: TRUE_COLOUR_32, name: this.#options.name }));
        this.#read(this.#handshake.takeRest());
      }
    }
  }

  #read(bytes: Buffer): void {
    for (const event of this.#parser.feed(bytes)) {
      if (event.type === 'unknown') this.end(`unknown message ${event.number}`);
      if (event.type === 'message') this.#handle(event.message);
    }
  }

  #handle(message: ClientMessage): void {
    if (message.type === 'setPixelFormat') this.#format = message.format;
    if (message.type !== 'updateRequest') return;
    const area = clip(message, this.#card);
    this.#wanted = { incremental: message.incremental && (this.#wanted?.incremental ?? true), area };
    this.#update();
  }

  #update(): void {
    const wanted = this.#wanted;
    if (!wanted || this.#ended || this.#socket.writableLength > 0) return;
    const hasPicture = this.#sentFrame !== 0;
    if (wanted.incremental && this.#sentFrame === this.#card.frame) return;
    const areas = wanted.incremental && hasPicture ? MOVING_AREAS : [wanted.area];
    this.#wanted = undefined;
    this.#sentFrame = this.#card.frame;
    this.#socket.write(encodeUpdate(this.#card, areas, this.#format));
  }
}

function clip(area: Area, card: Card): Area {
  const x = Math.min(area.x, card.width);
  const y = Math.min(area.y, card.height);
  return { x, y, width: Math.min(area.width, card.width - x), height: Math.min(area.height, card.height - y) };
}
