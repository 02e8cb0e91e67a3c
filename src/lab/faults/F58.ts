import { once } from 'node:events';
import { type Socket, connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { ClientHandshake, ClientSession } from '../../rfb/index.js';
import type { Fault } from '../fault.js';
import { startScreen, startX11vnc } from '../parts/display.js';
import { connectionsTo } from '../listening.js';
import type { Stage } from '../stage.js';

/** libvncserver waits 20 s for a write, from the moment at which the buffers of the way are full. */
const LONGEST_MS = 45_000;
const LOOK_MS = 250;
const ASK_MS = 50;

/** The packets of a viewer that opened the picture and then read nothing more, recorded by an operator. */
export const F58: Fault = {
  id: 'F58',
  title: 'a viewer that does not read is cut after 20 s',
  needs: ['root', 'tcpdump', 'Xvfb', 'x11vnc', 'xsetroot'],
  start: async (stage, is) => {
    const { display } = await startScreen(stage, { moving: true });
    const rfb = await startX11vnc(stage, { display });
    const file = `${stage.folder}/slow.pcap`;
    const args = ['-i', 'lo', '-U', '-B', '8192', '-s', '200', '-w', file, 'tcp', 'port', String(rfb.port)];
    const recorder = await stage.start({ program: 'tcpdump', args });
    await sleep(500);
    await watch(stage, rfb.port, is === 'healthy');
    await (is === 'healthy' ? sleep(2_000) : givenUp(rfb.port));
    await recorder.stop();
    return { flags: ['--rfb', `127.0.0.1:${rfb.port}`, '--pcap', file, '--duration', '3s'] };
  },
};

/** Until the server has let go of its viewer. */
async function givenUp(port: number): Promise<void> {
  const until = Date.now() + LONGEST_MS;
  while (connectionsTo(port) > 0 && Date.now() < until) await sleep(LOOK_MS);
  await sleep(LOOK_MS); // until it is recorded
}

/** It reads nothing and asks on: requests that come together are answered once, and one picture may fit the buffers of the way. */
function askOn(stage: Stage, socket: Socket, session: ClientSession): void {
  socket.pause();
  const timer = setInterval(() => socket.write(session.request(false)), ASK_MS);
  stage.defer(() => clearInterval(timer));
}

/** A viewer that asks for the picture again and again; a slow one does not read what comes. */
async function watch(stage: Stage, port: number, reads: boolean): Promise<void> {
  const socket = connect({ host: '127.0.0.1', port });
  socket.on('error', () => {}); // it is given up
  stage.defer(() => void socket.destroy());
  const handshake = new ClientHandshake({});
  const { promise, resolve } = Promise.withResolvers<void>();
  let session: ClientSession | undefined;
  socket.on('data', (bytes: Buffer) => {
    if (session) {
      if (session.feed(bytes).some(({ type }) => type === 'update')) socket.write(session.request(false));
      return;
    }
    for (const event of handshake.feed(bytes)) {
      if (event.type === 'send') socket.write(event.bytes);
      if (event.type !== 'serverInit') continue;
      session = new ClientSession(event.init, { keepPicture: false });
      socket.write(session.start());
      if (!reads) askOn(stage, socket, session);
      resolve();
    }
  });
  await once(socket, 'connect');
  await promise;
}
