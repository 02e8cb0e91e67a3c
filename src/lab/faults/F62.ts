import type { Fault } from '../fault.js';
import { startScreen, startX11vnc } from '../parts/display.js';
import { startGateway } from '../parts/gateway.js';

/** The lock of an X server that was killed is still there, and its pid is that of a process that lives. */
export const F62: Fault = {
  id: 'F62',
  title: 'a lock that was left behind keeps the X server from starting',
  needs: ['Xvfb', 'x11vnc'],
  start: async (stage, is) => {
    const rfbPort = await stage.port();
    const log = await stage.file('session.log', '');
    if (is === 'healthy') {
      const { display } = await startScreen(stage);
      await startX11vnc(stage, { display, port: rfbPort });
    } else {
      const { display } = await startScreen(stage); // it holds the lock that the next one finds
      const again = `Xvfb ${display} -screen 0 640x480x24 -nolisten tcp >>${log} 2>&1 || true`;
      await stage.start({ program: 'bash', args: ['-c', `${again}; exec sleep 600`] });
    }
    const gateway = await startGateway(stage, { rfb: { port: rfbPort } });
    return {
      flags: ['--url', gateway.url, '--rfb', `127.0.0.1:${rfbPort}`, '--runner-log', log, '--duration', '3s'],
    };
  },
};
