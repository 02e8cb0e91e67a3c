import type { Socket } from 'node:net';

/** What of Node's sockets is needed and has no public name. Where it is missing, the public way is taken. */
interface Internals {
  _handle: {
    readonly writeQueueSize?: number;
    useUserBuffer?(buffer: Uint8Array): void;
  } | null;
  [name: symbol]: unknown;
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
