import { Socket } from 'node:net';

/** What of Node's sockets is needed and has no public name. Where it is missing, the public way is taken. */
interface Internals {
  _handle: { readonly writeQueueSize?: number } | null;
  /** The server's count of connections. */
  _server: object | null;
  server: object | null;
}

/**
 * Makes an accepted socket anew so that all of its reads go into one buffer: no memory is allocated for a read. Node
 * has `onread` for sockets that dial, none for those that are accepted, so the handle changes hands. Undefined where
 * that cannot be done (TLS, or a Node that is made differently): the socket is then as it was.
 */
export function adopt(accepted: Socket, buffer: Uint8Array, onBytes: (length: number) => boolean): Socket | undefined {
  const inner = accepted as unknown as Internals;
  const handle = inner._handle;
  if ('encrypted' in accepted || !handle || !('useUserBuffer' in handle) || accepted.destroyed) return undefined;
  inner._handle = null;
  const socket = new Socket({
    handle,
    allowHalfOpen: true,
    onread: { buffer, callback: onBytes },
  } as unknown as ConstructorParameters<typeof Socket>[0]);
  Object.assign(socket, { server: inner.server, _server: inner._server });
  inner._server = null; // the connection is counted once
  accepted.destroy();
  return socket;
}

/** Bytes of writes that the kernel has not taken; where Node does not tell, whole writes. */
export function bytesQueued(socket: Socket): number {
  return (socket as unknown as Internals)._handle?.writeQueueSize ?? socket.writableLength;
}
