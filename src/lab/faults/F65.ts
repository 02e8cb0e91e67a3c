import type { Fault } from '../fault.js';
import { startScreen, startX11vnc } from '../parts/display.js';
import { startGateway } from '../parts/gateway.js';

/** A healthy VNC server on a display where nothing runs. */
export const F65: Fault = {
  id: 'F65',
  title: 'a black screen over a healthy session',
  needs: ['Xvfb', 'x11vnc', 'xsetroot'],
  start: async (stage, is) => {
    const { display } = await startScreen(stage);
    const rfb = await startX11vnc(stage, { display });
    if (is === 'healthy') await stage.start({ program: 'xsetroot', args: ['-display', display, '-mod', '16', '16'] });
    const gateway = await startGateway(stage, { rfb });
    return { flags: ['--url', gateway.url, '--rfb', `127.0.0.1:${rfb.port}`, '--duration', '3s'] };
  },
};
