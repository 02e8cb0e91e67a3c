import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { ClientHandshake, ClientSession } from '../../rfb/index.js';
import type { Fault } from '../fault.js';
import { startScreen, startX11vnc } from '../parts/display.js';
import type { Stage } from '../stage.js';

/** libvncserver waits 20 s for a write. */
const WAIT_MS = 23_000;

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
    await sleep(is === 'healthy' ? 2_000 : WAIT_MS);
    await recorder.stop();
    return { flags: ['--rfb', `127.0.0.1:${rfb.port}`, '--pcap', file, '--duration', '3s'] };
  },
};

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
      if (!reads) socket.pause();
      if (!reads) for (let more = 0; more < 40; more += 1) socket.write(session.request(false));
      resolve();
    }
  });
  await once(socket, 'connect');
  await promise;
}
