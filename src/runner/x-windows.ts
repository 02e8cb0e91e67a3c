import { type Socket, connect } from 'node:net';

const COOKIE_NAME = 'MIT-MAGIC-COOKIE-1';
const SETUP_HEAD = 8;
const REPLY = 32;
const ATTRIBUTES_REPLY = 44;
const QUERY_TREE = 15;
const GET_WINDOW_ATTRIBUTES = 3;
const VIEWABLE = 2;
const INPUT_OUTPUT = 1;

/** Whether a window is to be seen on an X display; asks as a client of its own (X protocol 11, little endian). */
export async function showsWindow(socketPath: string, cookie: Buffer, signal: AbortSignal): Promise<boolean> {
  using display = new Connection(connect({ path: socketPath, signal }));
  const root = await openDisplay(display, cookie);
  for (const window of await children(display, root)) if (await isViewable(display, window)) return true;
  return false;
}

/** What is asked and what has come, in order. */
class Connection implements Disposable {
  readonly #socket: Socket;
  #bytes = Buffer.alloc(0);
  #end: Error | undefined;
  #wake = (): void => {};

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (bytes) => {
      this.#bytes = Buffer.concat([this.#bytes, bytes]);
      this.#wake();
    });
    socket.on('error', (error) => (this.#end ??= error)); // 'close' follows
    socket.once('close', () => {
      this.#end ??= new Error('the X server closed the connection');
      this.#wake();
    });
  }

  send(bytes: Buffer): void {
    this.#socket.write(bytes);
  }

  async take(length: number): Promise<Buffer> {
    while (this.#bytes.length < length) {
      if (this.#end) throw this.#end;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    const taken = this.#bytes.subarray(0, length);
    this.#bytes = this.#bytes.subarray(length);
    return taken;
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }
}

/** The connection setup; gives the root window of the first screen. */
async function openDisplay(display: Connection, cookie: Buffer): Promise<number> {
  const head = Buffer.alloc(12);
  head.write('l', 0);
  head.writeUInt16LE(11, 2);
  head.writeUInt16LE(COOKIE_NAME.length, 6);
  head.writeUInt16LE(cookie.length, 8);
  display.send(Buffer.concat([head, padded(Buffer.from(COOKIE_NAME)), padded(cookie)]));
  const answer = await display.take(SETUP_HEAD);
  const rest = await display.take(answer.readUInt16LE(6) * 4);
  if (answer[0] !== 1) throw new Error(`the X server refuses us: ${rest.toString('latin1', 0, answer[1])}`);
  const vendor = padded(rest.subarray(0, rest.readUInt16LE(16))).length;
  return rest.readUInt32LE(32 + vendor + 8 * rest[21]!);
}

async function children(display: Connection, root: number): Promise<readonly number[]> {
  display.send(request(QUERY_TREE, root));
  const reply = await display.take(REPLY);
  const list = await display.take(reply.readUInt32LE(4) * 4);
  return Array.from({ length: reply.readUInt16LE(16) }, (_, index) => list.readUInt32LE(4 * index));
}

/** False also for a window that has gone meanwhile. */
async function isViewable(display: Connection, window: number): Promise<boolean> {
  display.send(request(GET_WINDOW_ATTRIBUTES, window));
  const reply = await display.take(REPLY);
  if (reply[0] !== 1) return false;
  await display.take(ATTRIBUTES_REPLY - REPLY);
  return reply.readUInt16LE(12) === INPUT_OUTPUT && reply[26] === VIEWABLE;
}

function request(opcode: number, window: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt8(opcode, 0);
  bytes.writeUInt16LE(2, 2);
  bytes.writeUInt32LE(window, 4);
  return bytes;
}

function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc(-bytes.length & 3)]);
}
