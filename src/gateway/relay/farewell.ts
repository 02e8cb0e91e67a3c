import type { Socket } from 'node:net';
import { encodeClose } from '../../websocket/index.js';
import type { RelayEnd } from '../data-path.js';
import { destroyAfter } from '../destroy-after.js';
import { ENDS } from '../ends.js';
import type { Outlet } from './outlet.js';

/** After an end the runner has this long to take what the viewer sent last. */
const RUNNER_FLUSH_MS = 2_000;
/** What was read before an end has this long to reach a slow viewer, and the viewer to answer the close frame. */
const CLOSE_TIMEOUT_MS = 10_000;

/** Lets go of both sides: the close frame goes behind what was read before; `isDone`: the viewer says nothing more. */
export function sayFarewell(
  { cause, code }: RelayEnd,
  { viewer, runner, isDone }: { readonly viewer: Outlet; readonly runner: Socket; readonly isDone: boolean },
): void {
  const { socket } = viewer;
  if (cause === 'viewer_lost') socket.destroy();
  else {
    viewer.write(encodeClose(code, ENDS[cause].reason));
    if (isDone) endOnce(socket);
    socket.resume(); // its close frame must be seen
    destroyAfter(socket, CLOSE_TIMEOUT_MS);
  }
  runner.end();
  runner.resume(); // what still comes is thrown away, so that its FIN is seen
  destroyAfter(runner, RUNNER_FLUSH_MS);
}

/** A second end would be an error, made at some cost. */
export function endOnce(socket: Socket): void {
  if (!socket.writableEnded && !socket.destroyed) socket.end();
}
