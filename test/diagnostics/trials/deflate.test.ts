import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { inflateRawSync } from 'node:zlib';
import { afterEach, describe, expect, test } from 'vitest';
import { tryDeflate } from '../../../src/diagnostics/trials/deflate.ts';
import { ViewerReader } from '../../../src/lab/parts/viewer-reader.ts';
import { OPCODE, acceptFor, encodeClose, encodeServerFrame } from '../../../src/websocket/index.ts';

const VERSION = Buffer.from('RFB 003.008\n');
const OPTIONS = {
  ca: undefined,
  insecure: false,
  resolve: new Map<string, string>(),
  timeoutMs: 5_000,
  keepPicture: false,
  signal: new AbortController().signal,
};

const scope: (() => void)[] = [];
afterEach(() => scope.splice(0).forEach((end) => end()));

/** A server that greets; `answer` says what comes back to the first message of the viewer. */
async function serve(agrees: boolean, answer: (payload: Buffer) => Buffer): Promise<URL> {
  const server = createServer();
  server.on('upgrade', (request, socket: Socket) => {
    scope.push(() => socket.destroy());
    const accept = acceptFor(request.headers['sec-websocket-key'] ?? '');
    const extension = agrees ? 'Sec-WebSocket-Extensions: permessage-deflate\r\n' : '';
    const head = `Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\nSec-WebSocket-Protocol: binary\r\n`;
    socket.write(`HTTP/1.1 101 Switching Protocols\r\n${head}${extension}\r\n`);
    socket.write(encodeServerFrame(OPCODE.binary, VERSION));
    const reader = new ViewerReader();
    socket.on('data', (bytes: Buffer) => {
      for (const { payload } of reader.feed(bytes)) socket.write(answer(payload));
    });
    socket.on('error', () => {});
  });
  scope.push(() => void server.close());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return new URL(`ws://127.0.0.1:${(server.address() as AddressInfo).port}/`);
}

function target(url: URL) {
  return { kind: 'socket', url, origin: undefined, headers: {} } as const;
}

const more = (): Buffer => encodeServerFrame(OPCODE.binary, Buffer.from([1, 1]));

describe('compression that was offered', () => {
  test('and not agreed on is no matter', async () => {
    expect(await tryDeflate(target(await serve(false, more)), OPTIONS)).toEqual({ agreed: false });
  });

  test('and agreed on is understood when the version of RFB comes out of it', async () => {
    const url = await serve(true, (payload) => {
      const tail = Buffer.from([0, 0, 0xff, 0xff]);
      const plain = inflateRawSync(Buffer.concat([payload, tail]), { finishFlush: 2 });
      return plain.equals(VERSION) ? more() : encodeClose(1002);
    });
    expect(await tryDeflate(target(url), OPTIONS)).toMatchObject({ agreed: true, understood: true });
  });

  test('and agreed on is not understood when the message is taken as it is', async () => {
    const url = await serve(true, (payload) => (payload.equals(VERSION) ? more() : encodeClose(1002)));
    expect(await tryDeflate(target(url), OPTIONS)).toEqual({ agreed: true, understood: false, saw: 'a close frame' });
  });
});
