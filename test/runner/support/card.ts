/** A viewer of a test card on a plain socket: opening, raw requests, updates decoded in any pixel format. */
import { once } from 'node:events';
import { type Socket, connect } from 'node:net';
import { systemClock } from '../../../src/core/index.ts';
import {
  ClientHandshake,
  type PixelFormat,
  TRUE_COLOUR_32,
  encodePixelFormat,
  encodeUpdateRequest,
} from '../../../src/rfb/index.ts';
import { type CardServer, startCardServer } from '../../../src/runner/card-server.ts';
import { CARD_HEIGHT, CARD_WIDTH, readCard } from '../../../src/testcard/index.ts';

export const PASSWORD = 'canarypw';
export const WHOLE = { x: 0, y: 0, width: CARD_WIDTH, height: CARD_HEIGHT };
/** The cells that hold the stamp: enough to read a card, and quickly drawn. */
export const CELLS = { x: 160, y: 540, width: 960, height: 40 };
const WAIT_MS = 10_000;

interface Rectangle {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly bytes: Buffer;
}

export interface CardClient extends Disposable {
  readonly socket: Socket;
  readonly name: string;
  send(bytes: Uint8Array): void;
  useFormat(format: PixelFormat): void;
  request(incremental: boolean, area?: typeof WHOLE): void;
  /** The rectangles of the next update. */
  update(): Promise<readonly Rectangle[]>;
  /** The next update, drawn over what was there, read as a card. */
  read(): ReturnType<typeof read>;
  readonly closed: Promise<unknown>;
}

async function read(draw: () => Promise<Buffer>): Promise<ReturnType<typeof readCard>> {
  return readCard({ width: CARD_WIDTH, height: CARD_HEIGHT, pixels: await draw() });
}

export function startCard(motion: 'moving' | 'still' = 'moving', clock = systemClock): Promise<CardServer> {
  return startCardServer({ session: 's1', host: '127.0.0.1', port: 0, password: PASSWORD, motion, clock });
}

/** Opens RFB through ServerInit; rejects with what the server said instead. */
export async function openCard(port: number, password = PASSWORD): Promise<CardClient> {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true });
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.on('error', () => {}); // 'close' follows
  const handshake = new ClientHandshake({ password });
  const queue = new Queue();
  const name = await new Promise<string>((resolve, reject) => {
    void closed.then(() => reject(new Error(`closed before ${handshake.waitingFor}`)));
    socket.on('data', (bytes) => {
      if (handshake.done) return queue.push(bytes);
      for (const event of handshake.feed(bytes)) {
        if (event.type === 'send') socket.write(event.bytes);
        if (event.type === 'refused') reject(new Error(event.reason));
        if (event.type === 'serverInit') {
          queue.push(handshake.takeRest());
          resolve(event.init.name);
        }
      }
    });
  }).catch((error: unknown) => {
    socket.destroy();
    throw error;
  });

  const pixels = Buffer.alloc(CARD_WIDTH * CARD_HEIGHT * 4);
  let format = TRUE_COLOUR_32;
  const update = (): Promise<Rectangle[]> => readUpdate(queue, format.bitsPerPixel / 8);
  const draw = async (): Promise<Buffer> => {
    for (const rectangle of await update()) drawInto(pixels, rectangle, format);
    return pixels;
  };
  return {
    socket,
    name,
    send: (bytes) => void socket.write(bytes),
    useFormat: (wanted) => {
      format = wanted;
      socket.write(Buffer.concat([Buffer.from([0, 0, 0, 0]), encodePixelFormat(wanted)]));
    },
    request: (incremental, area = WHOLE) => void socket.write(encodeUpdateRequest(incremental, area)),
    update,
    read: () => read(draw),
    closed,
    [Symbol.dispose]: () => socket.destroy(),
  };
}

/** Bytes that have come, and those who wait for more. */
class Queue {
  #chunks: Buffer[] = [];
  #length = 0;
  #wake: (() => void) | undefined;

  push(bytes: Buffer): void {
    this.#chunks.push(bytes);
    this.#length += bytes.length;
    this.#wake?.();
  }

  async take(length: number): Promise<Buffer> {
    const deadline = Date.now() + WAIT_MS;
    while (this.#length < length) {
      if (Date.now() > deadline) throw new Error(`${length} bytes awaited, ${this.#length} came`);
      await Promise.race([
        new Promise<void>((resolve) => (this.#wake = resolve)),
        new Promise((resolve) => setTimeout(resolve, WAIT_MS).unref()),
      ]);
    }
    const all = Buffer.concat(this.#chunks);
    this.#chunks = [all.subarray(length)];
    this.#length = all.length - length;
    return all.subarray(0, length);
  }
}

async function readUpdate(queue: Queue, bytesPerPixel: number): Promise<Rectangle[]> {
  const head = await queue.take(4);
  if (head[0] !== 0) throw new Error(`a FramebufferUpdate awaited, message ${head[0]} came`);
  const rectangles: Rectangle[] = [];
  for (let left = head.readUInt16BE(2); left > 0; left -= 1) {
    const [x, y, width, height] = await queue
      .take(8)
      .then((bytes) => [0, 2, 4, 6].map((at) => bytes.readUInt16BE(at)) as [number, number, number, number]);
    const encoding = (await queue.take(4)).readInt32BE(0);
    if (encoding !== 0) throw new Error(`Raw awaited, encoding ${encoding} came`);
    rectangles.push({ x, y, width, height, bytes: await queue.take(width * height * bytesPerPixel) });
  }
  return rectangles;
}

/** Draws a Raw rectangle of any true-colour format as RGBA. */
function drawInto(pixels: Buffer, { x, y, width, height, bytes }: Rectangle, format: PixelFormat): void {
  const size = format.bitsPerPixel / 8;
  const channel = (value: number, shift: number, max: number): number =>
    max === 0 ? 0 : Math.round((((value >>> shift) & max) * 255) / max);
  for (let index = 0; index < width * height; index += 1) {
    const value = format.bigEndian ? bytes.readUIntBE(index * size, size) : bytes.readUIntLE(index * size, size);
    const to = ((y + Math.floor(index / width)) * CARD_WIDTH + x + (index % width)) * 4;
    pixels[to] = channel(value, format.redShift, format.redMax);
    pixels[to + 1] = channel(value, format.greenShift, format.greenMax);
    pixels[to + 2] = channel(value, format.blueShift, format.blueMax);
    pixels[to + 3] = 255;
  }
  if (height * width * size !== bytes.length) throw new Error('a rectangle of another length');
}

/** Dials and says nothing of RFB but what is given. */
export async function dialRaw(port: number, bytes: Uint8Array): Promise<{ socket: Socket; closed: Promise<unknown> }> {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true });
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.on('error', () => {}); // 'close' follows
  await once(socket, 'connect');
  socket.resume();
  socket.write(bytes);
  return { socket, closed };
}
