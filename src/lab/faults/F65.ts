import { once } from 'node:events';
import { connect } from 'node:net';
import type { Fault } from '../fault.js';
import { startScreen, startX11vnc } from '../parts/display.js';
import { startGateway } from '../parts/gateway.js';
import type { Stage } from '../stage.js';

/** As few as Xvfb lets be set. */
const PLACES = 64;
/** How an X client says in which order it writes bytes: the server counts it from then on. */
const LITTLE_ENDIAN = Buffer.from([0x6c, 0, 11, 0, 0, 0, 0, 0, 0, 0, 0, 0]);

/** Clients that nobody ended have all places of the X server; the next program finds none, and the screen stays empty. */
export const F65: Fault = {
  id: 'F65',
  title: 'a black screen over a healthy session',
  needs: ['Xvfb', 'x11vnc', 'xsetroot'],
  start: async (stage, is) => {
    const { display } = await startScreen(stage, { args: ['-maxclients', String(PLACES)] });
    const rfb = await startX11vnc(stage, { display });
    if (is === 'broken') await fill(stage, display);
    const log = await stage.file('session.log', '');
    const draw = `xsetroot -display ${display} -mod 16 16 >>${log} 2>&1; echo drawn >>${log}; exec sleep 600`;
    await stage.start({ program: 'bash', args: ['-c', draw] });
    const gateway = await startGateway(stage, { rfb });
    return {
      flags: ['--url', gateway.url, '--rfb', `127.0.0.1:${rfb.port}`, '--runner-log', log, '--duration', '3s'],
    };
  },
};

async function fill(stage: Stage, display: string): Promise<void> {
  for (let client = 0; client < PLACES; client += 1) {
    const socket = connect(`/tmp/.X11-unix/X${display.slice(1)}`);
    socket.on('error', () => {}); // there is no place left
    stage.defer(() => void socket.destroy());
    await once(socket, 'connect');
    socket.write(LITTLE_ENDIAN);
    await Promise.race([once(socket, 'data'), once(socket, 'close')]);
  }
}
