import type { Socket } from 'node:net';
import process from 'node:process';
import { getSystemErrorName } from 'node:util';

/** What of Node's sockets is needed and has no public name. Where it is missing, the public way is taken. */
interface Internals {
  _handle: Handle | null;
  [name: symbol]: unknown;
}

interface Handle {
  readonly writeQueueSize?: number;
  useUserBuffer?(buffer: Uint8Array): void;
  /** Hands to the kernel what it takes at once; the rest is under way, as `request`. 0, or an error number of libuv. */
  writeBuffer?(request: WriteRequest, bytes: Uint8Array): number;
}

/** What is under way holds its bytes and is told when they have left, or never will. */
interface WriteRequest {
  buffer?: Uint8Array;
  oncomplete?: (status: number) => void;
}

interface StreamBinding {
  readonly WriteWrap: new () => WriteRequest;
  /** Where Node's streams leave what a call came to, and in which place it says that a write is under way. */
  readonly streamBaseState: Int32Array;
  readonly kLastWriteWasAsync: number;
}

/** Takes the reads of an accepted socket over; false where that cannot be done: the socket is then as it was. */
export type Adopt = (accepted: Socket, onBytes: (length: number) => boolean) => boolean;

/** Where a socket that dials with `onread` keeps the buffer, the callback, and what gives the next buffer. */
const NAMES = ['kBuffer', 'kBufferCb', 'kBufferGen'];

/**
 * Lets all reads of accepted sockets go into one buffer: no memory is allocated for a read. Node has `onread` for
 * sockets that dial, none for those that are accepted; one that was accepted has the same places, empty. They are
 * filled here. It cannot be done with TLS, or with a Node that is made differently.
 */
export function adoptInto(buffer: Uint8Array): Adopt {
  let names: readonly symbol[] | undefined;
  return (accepted, onBytes) => {
    const inner = accepted as unknown as Internals;
    const handle = inner._handle;
    if ('encrypted' in accepted || accepted.destroyed || !handle?.useUserBuffer) return false;
    names ??= namesIn(accepted);
    const [kBuffer, kCallback] = names;
    if (!kBuffer || !kCallback || names.length !== NAMES.length || names.some((name) => inner[name] !== null))
      return false;
    handle.useUserBuffer(buffer);
    inner[kBuffer] = buffer;
    inner[kCallback] = onBytes;
    return true;
  };
}

function namesIn(socket: Socket): symbol[] {
  const symbols = Object.getOwnPropertySymbols(socket);
  return NAMES.flatMap((name) => symbols.filter(({ description }) => description === name));
}

/** Bytes of writes that the kernel has not taken; where Node does not tell, whole writes. */
export function bytesQueued(socket: Socket): number {
  return (socket as unknown as Internals)._handle?.writeQueueSize ?? socket.writableLength;
}

const streams = streamBinding();
/** Of the next write: one that leaves at once does not use it up. */
let spare: WriteRequest | undefined;

/**
 * Writes past the stream of a socket on which nothing waits: no state of a stream is touched, and nothing is allocated
 * for what leaves at once. True when the kernel has all of it, or the connection is broken, which the socket then says;
 * false when the rest is under way: `onLeft` is called behind it. What is written meanwhile, and an end, go behind it too.
 * Undefined where this cannot be done: nothing was written.
 */
export function writeThrough(socket: Socket, bytes: Uint8Array, onLeft: () => void): boolean | undefined {
  const handle = (socket as unknown as Internals)._handle;
  if (!streams || !handle?.writeBuffer) return undefined;
  const request = (spare ??= new streams.WriteWrap());
  const error = handle.writeBuffer(request, bytes);
  if (error !== 0) {
    socket.destroy(writeError(error));
    return true;
  }
  if (streams.streamBaseState[streams.kLastWriteWasAsync] === 0) return true;
  spare = undefined;
  request.buffer = bytes;
  request.oncomplete = (status) => {
    if (status < 0 && !socket.destroyed) socket.destroy(writeError(status));
    onLeft();
  };
  return false;
}

function writeError(number: number): Error {
  const code = getSystemErrorName(number);
  return Object.assign(new Error(`write ${code}`), { code, errno: number, syscall: 'write' });
}

/** What Node's own streams are made of; undefined where it is not handed out, or is made differently. */
function streamBinding(): StreamBinding | undefined {
  try {
    const inner = process as unknown as { binding?(name: string): Partial<StreamBinding> };
    const { WriteWrap, streamBaseState, kLastWriteWasAsync } = inner.binding?.('stream_wrap') ?? {};
    return WriteWrap && streamBaseState && kLastWriteWasAsync !== undefined
      ? { WriteWrap, streamBaseState, kLastWriteWasAsync }
      : undefined;
  } catch {
    return undefined;
  }
}
