import type { Fault } from '../fault.js';
import { startScreen, startX11vnc } from '../parts/display.js';
import { signalProcess } from '../parts/proxies.js';
import { startWebsockify } from '../parts/websockify.js';

/** x11vnc is stopped: the kernel accepts connections in its name, and it says nothing. */
export const F59: Fault = {
  id: 'F59',
  title: 'the RFB port accepts, and no greeting comes',
  needs: ['Xvfb', 'x11vnc', 'websockify'],
  start: async (stage, is) => {
    const { display } = await startScreen(stage);
    const rfb = await startX11vnc(stage, { display });
    const relay = await startWebsockify(stage, { to: `127.0.0.1:${rfb.port}` });
    if (is === 'broken') {
      signalProcess(rfb.process.pid, 'SIGSTOP');
      stage.defer(() => signalProcess(rfb.process.pid, 'SIGCONT'));
    }
    return { flags: ['--url', relay.url, '--rfb', `127.0.0.1:${rfb.port}`, '--duration', '3s'] };
  },
};
