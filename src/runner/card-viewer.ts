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
import { formatProblem } from './card-encode.js';
import type { CardPicture } from './card-picture.js';
import { CardWriter } from './card-writer.js';

interface Options {
  readonly name: string;
  readonly password: string;
  readonly challenge: Buffer;
  readonly onEnd: (why: string) => void;
}

/** A viewer that has not finished the opening by then gives its place up. */
const OPENING_MS = 10_000;
/** What a viewer is told last has so long to leave; then its socket is closed, read or not. */
const FLUSH_MS = 250;
/** A viewer whose host has vanished is asked after so long without a byte. */
const KEEPALIVE_MS = 15_000;

/**
 * One viewer of a test card: opening, requests in, rectangles out. One update is on its way at a time, so a viewer that
 * does not read costs at most one full picture (3.7 MB), and that for 20 s.
 */
export class CardViewer {
  readonly #socket: Socket;
  readonly #card: CardPicture;
  readonly #options: Options;
  readonly #handshake: ServerHandshake;
  readonly #parser = new ClientMessageParser();
  readonly #writer: CardWriter;
  readonly #opening: NodeJS.Timeout;
  #format: PixelFormat = TRUE_COLOUR_32;
  #sentFrame = 0;
  #wanted: { readonly incremental: boolean; readonly area: Area } | undefined;
  #ended = false;

  constructor(socket: Socket, card: CardPicture, options: Options) {
    this.#socket = socket;
    this.#card = card;
    this.#options = options;
    this.#handshake = new ServerHandshake({ type: 'vnc', password: options.password, challenge: options.challenge });
    this.#writer = new CardWriter(socket, () => this.end('the viewer does not read'));
    this.#opening = setTimeout(() => this.end('the opening took too long'), OPENING_MS);
    socket.setKeepAlive(true, KEEPALIVE_MS);
    socket.on('data', (bytes) => this.#receive(bytes));
    socket.once('end', () => this.end('the viewer left'));
    socket.once('close', () => this.end('the connection closed'));
    socket.on('error', (error) => this.end(errorText(error)));
    socket.write(this.#handshake.start());
  }

  cardChanged(): void {
    this.#update();
  }

  /** Ends the viewer, once; the first reason is the one that is told. */
  end(why: string): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#opening);
    this.#writer.stop();
    this.#socket.end();
    const cut = setTimeout(() => this.#socket.destroy(), FLUSH_MS);
    this.#socket.once('close', () => clearTimeout(cut));
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
        const { width, height } = this.#card.whole;
        this.#socket.write(encodeServerInit({ width, height, format: TRUE_COLOUR_32, name: this.#options.name }));
        this.#read(this.#handshake.takeRest());
      }
    }
  }

  #read(bytes: Buffer): void {
    for (const event of this.#parser.feed(bytes)) {
      if (this.#ended) return;
      if (event.type === 'unknown') this.end(`unknown message ${event.number}`);
      if (event.type === 'message') this.#handle(event.message);
    }
  }

  #handle(message: ClientMessage): void {
    if (message.type === 'setPixelFormat') {
      const problem = formatProblem(message.format);
      if (problem === undefined) this.#format = message.format;
      else this.end(problem);
    }
    if (message.type !== 'updateRequest') return;
    const area = intersect(message, this.#card.whole);
    const before = this.#wanted;
    this.#wanted = {
      incremental: message.incremental && (before?.incremental ?? true),
      area: before ? union(before.area, area) : area,
    };
    this.#update();
  }

  #update(): void {
    if (!this.#wanted || this.#ended || this.#writer.busy) return;
    const areas = this.#due(this.#wanted);
    if (!areas) return;
    this.#wanted = undefined;
    this.#sentFrame = this.#card.frame;
    this.#writer.write(this.#card.update(areas, this.#format), () => this.#update());
  }

  /** What a request is answered with now; undefined while there is nothing new to show. */
  #due({ incremental, area }: { readonly incremental: boolean; readonly area: Area }): readonly Area[] | undefined {
    if (!incremental || this.#sentFrame === 0) return isEmpty(area) ? [] : [area];
    if (this.#sentFrame === this.#card.frame) return undefined;
    const moving = MOVING_AREAS.map((part) => intersect(part, area)).filter((part) => !isEmpty(part));
    return moving.length > 0 ? moving : undefined;
  }
}

function isEmpty({ width, height }: Area): boolean {
  return width === 0 || height === 0;
}

function intersect(one: Area, other: Area): Area {
  const x = Math.max(one.x, other.x);
  const y = Math.max(one.y, other.y);
  const width = Math.max(0, Math.min(one.x + one.width, other.x + other.width) - x);
  const height = Math.max(0, Math.min(one.y + one.height, other.y + other.height) - y);
  return { x, y, width, height };
}

function union(one: Area, other: Area): Area {
  if (isEmpty(one)) return other;
  if (isEmpty(other)) return one;
  const x = Math.min(one.x, other.x);
  const y = Math.min(one.y, other.y);
  const right = Math.max(one.x + one.width, other.x + other.width);
  const bottom = Math.max(one.y + one.height, other.y + other.height);
  return { x, y, width: right - x, height: bottom - y };
}
