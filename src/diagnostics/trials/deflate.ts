import type { Socket } from 'node:net';
import { deflateRawSync } from 'node:zlib';
import { OPCODE, encodeFrame } from '../../websocket/index.js';
import { type DialOptions, type DialTarget, openUpgraded } from '../probe/index.js';

/** What came of compression: nobody agreed to it, what we compressed was understood, or it was not. */
export type DeflateTrial =
  | { readonly agreed: false }
  | { readonly agreed: true; readonly understood: boolean; readonly saw: string };

const OFFER = 'permessage-deflate; client_max_window_bits';
const COMPRESSED = 0x40;
/** What RFB says first, on both sides. */
const VERSION = Buffer.from('RFB 003.008\n', 'latin1');
const TAIL_BYTES = 4;
const ANSWER_MS = 5_000;

/** Offers compression as browsers do and, where it is agreed on, compresses what an RFB client says first. */
export async function tryDeflate(target: DialTarget, options: DialOptions): Promise<DeflateTrial | undefined> {
  if (target.kind !== 'socket') return undefined;
  const headers = { ...target.headers, 'sec-websocket-extensions': OFFER };
  const opened = await openUpgraded({ ...target, headers }, options);
  if (!opened) return undefined;
  const { socket, head, extensions } = opened;
  try {
    if (!/permessage-deflate/i.test(extensions)) return { agreed: false };
    const answer = await answerTo(socket, head);
    return { agreed: true, understood: answer === 'more', saw: answer === 'more' ? 'an answer' : answer };
  } finally {
    socket.destroy();
  }
}

/** The server greets, we answer in a compressed message: `more` when it goes on, else what came instead. */
function answerTo(socket: Socket, head: Buffer): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  let messages = 0;
  const take = (bytes: Buffer): void => {
    if (((bytes[0] ?? 0) & 0x0f) === OPCODE.close) return resolve('a close frame');
    if (((bytes[0] ?? 0) & 0x0f) >= OPCODE.close) return;
    messages += 1;
    if (messages === 1) socket.write(compressed(VERSION));
    else resolve('more');
  };
  socket.on('data', take);
  socket.once('end', () => resolve('an end'));
  socket.once('error', (error) => resolve(error.message));
  setTimeout(() => resolve(messages === 0 ? 'no greeting' : 'nothing more'), ANSWER_MS).unref();
  if (head.length > 0) take(head);
  socket.resume();
  return promise;
}

/** A message as RFC 7692 has it: deflated, flushed, without the four bytes that every flush ends with. */
function compressed(payload: Buffer): Buffer {
  const raw = deflateRawSync(payload, { finishFlush: 2 });
  const frame = encodeFrame(OPCODE.binary, raw.subarray(0, raw.length - TAIL_BYTES));
  frame[0]! |= COMPRESSED;
  return frame;
}
