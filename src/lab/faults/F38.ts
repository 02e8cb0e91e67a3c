import type { Fault } from '../fault.js';
import { startScreen, startX11vnc } from '../parts/display.js';
import { startWebsockify } from '../parts/websockify.js';

/** websockify answers 101 and dials then; nothing listens where it dials. */
export const F38: Fault = {
  id: 'F38',
  title: 'the relay says 101 and cannot reach its target',
  needs: ['Xvfb', 'x11vnc', 'websockify'],
  start: async (stage, is) => {
    const { display } = await startScreen(stage);
    const rfb = await startX11vnc(stage, { display });
    const port = is === 'broken' ? await stage.port() : rfb.port;
    const relay = await startWebsockify(stage, { to: `127.0.0.1:${port}` });
    return {
      flags: ['--url', relay.url, '--rfb', `127.0.0.1:${rfb.port}`, '--gateway-log', relay.process.logFile].concat([
        '--duration',
        '3s',
      ]),
    };
  },
};
