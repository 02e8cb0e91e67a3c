import { type Socket, createServer } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { listen } from '../../src/http/index.ts';
import { type Viewer, watch } from '../../src/gateway/warm-up/viewer.ts';
import { OPCODE, encodeServerFrame } from '../../src/websocket/index.ts';

/** What a gateway says until a viewer has its first two pictures: as many messages as the viewer answers, and one more. */
const OPENING = 6;
const MESSAGE = encodeServerFrame(OPCODE.binary, Buffer.from([0]));

let gateway: { readonly port: number; readonly viewers: Socket[]; readonly close: () => void };

beforeEach(async () => {
  const viewers: Socket[] = [];
  const server = createServer((socket) => {
    viewers.push(socket);
    socket.on('error', () => {});
    socket.once('data', () => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\n\r\n');
      for (let sent = 0; sent < OPENING; sent += 1) socket.write(MESSAGE);
    });
  });
  const { port } = await listen(server, '127.0.0.1', 0, 'test', { exclusive: true });
  const close = (): void => {
    for (const viewer of viewers) viewer.destroy();
    server.close();
  };
  gateway = { port, viewers, close };
});
afterEach(() => gateway.close());

function opened(): Promise<Viewer> {
  return watch(gateway.port, 't');
}

test('a viewer of the warm-up sees as many pictures as it asks for, and no sooner', async () => {
  const viewer = await opened();
  let isDone = false;
  const seeing = viewer.see(2).then(() => (isDone = true));
  gateway.viewers[0]!.write(MESSAGE);
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(isDone).toBe(false);
  gateway.viewers[0]!.write(MESSAGE);
  await seeing;
});

test('one whose gateway goes while it watches says how many pictures were to come', async () => {
  const viewer = await opened();
  const seeing = viewer.see(3);
  gateway.viewers[0]!.end(MESSAGE, () => gateway.viewers[0]!.destroy());
  await expect(seeing).rejects.toThrow('the gateway closed with 2 updates to come');
});

test('one whose gateway has gone before does not wait for pictures', async () => {
  const viewer = await opened();
  gateway.viewers[0]!.destroy();
  await viewer.close();
  await expect(viewer.see(1)).rejects.toThrow('the gateway closed with 1 updates to come');
});

test('one that is turned away says with what', async () => {
  const server = createServer((socket) => socket.end('HTTP/1.1 503 Service Unavailable\r\n\r\n'));
  const { port } = await listen(server, '127.0.0.1', 0, 'test', { exclusive: true });
  const watching = watch(port, 't');
  await expect(watching).rejects.toThrow('the gateway closed behind "HTTP/1.1 503 Service Unavailable"');
  server.close();
});
