import { once } from 'node:events';
import { type Socket, connect, createServer } from 'node:net';
import { encodeClose, encodeFrame, OPCODE } from '../../websocket/index.js';
import type { Stage } from '../stage.js';

interface CdnOptions {
  /** What stands behind it, on loopback. */
  readonly port: number;
  /** No byte either way for so long: it says good-bye to both sides, in order. */
  readonly idleTimeoutMs: number;
}

const NORMAL = 1000;

/** A hop in front that speaks WebSocket, as a CDN does: bytes pass as they are, and silence ends with a close frame. */
export async function startCdn(stage: Stage, { port, idleTimeoutMs }: CdnOptions): Promise<{ readonly port: number }> {
  const own = await stage.port();
  const open = new Set<Socket>();
  const server = createServer((viewer) => {
    const origin = connect({ host: '127.0.0.1', port, noDelay: true });
    const timer = setTimeout(() => {
      viewer.end(encodeClose(NORMAL, ''));
      origin.end(goodbye());
    }, idleTimeoutMs);
    pass(viewer, origin, timer);
    pass(origin, viewer, timer);
    open.add(viewer).add(origin);
  });
  server.listen(own, '127.0.0.1');
  await once(server, 'listening');
  stage.defer(() => {
    for (const socket of open) socket.destroy();
    server.close();
  });
  return { port: own };
}

function pass(from: Socket, to: Socket, timer: NodeJS.Timeout): void {
  from.on('data', (bytes: Buffer) => {
    timer.refresh();
    if (to.writable) to.write(bytes);
  });
  from.on('error', () => from.destroy());
  from.once('close', () => {
    clearTimeout(timer);
    to.end();
  });
}

/** The close frame of a viewer. */
function goodbye(): Buffer {
  const code = Buffer.alloc(2);
  code.writeUInt16BE(NORMAL);
  return encodeFrame(OPCODE.close, code);
}
