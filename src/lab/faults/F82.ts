import type { Fault } from '../fault.js';
import { startScreen, startX11vnc } from '../parts/display.js';
import { startGateway } from '../parts/gateway.js';
import { signalProcess } from '../parts/proxies.js';

/** x11vnc hangs; the checks that operators rely on look at the process of the gateway and at a TCP port, and stay green. */
export const F82: Fault = {
  id: 'F82',
  title: 'health checks are green while no session can be viewed',
  needs: ['Xvfb', 'x11vnc'],
  start: async (stage, is) => {
    const { display } = await startScreen(stage);
    const rfb = await startX11vnc(stage, { display });
    const gateway = await startGateway(stage, { rfb });
    if (is === 'broken') {
      signalProcess(rfb.process.pid, 'SIGSTOP');
      stage.defer(() => signalProcess(rfb.process.pid, 'SIGCONT')); // what is stopped does not hear that it shall end
    }
    const health = ['--health', `http://127.0.0.1:${gateway.port}/healthz`, '--health', `tcp://127.0.0.1:${rfb.port}`];
    return { flags: ['--url', gateway.url, '--rfb', `127.0.0.1:${rfb.port}`, ...health, '--duration', '3s'] };
  },
};
