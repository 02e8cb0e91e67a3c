import type { Fault } from '../fault.js';
import { startScreen, startX11vnc } from '../parts/display.js';
import { startGateway } from '../parts/gateway.js';
import { lookOnce } from '../parts/viewer.js';

/** x11vnc without -forever ends when its first viewer leaves; that one was content. */
export const F53: Fault = {
  id: 'F53',
  title: 'the VNC server ends when the first viewer leaves',
  needs: ['Xvfb', 'x11vnc'],
  start: async (stage, is) => {
    const { display } = await startScreen(stage);
    const once = ['-shared', '-nopw'];
    const rfb = await startX11vnc(stage, { display, args: is === 'broken' ? once : [...once, '-forever'] });
    const gateway = await startGateway(stage, { rfb });
    await lookOnce(rfb.port, stage.signal);
    return {
      flags: ['--url', gateway.url, '--rfb', `127.0.0.1:${rfb.port}`, '--gateway-log', gateway.log]
        .concat(['--runner-log', rfb.process.logFile])
        .concat(['--duration', '3s']),
    };
  },
};
