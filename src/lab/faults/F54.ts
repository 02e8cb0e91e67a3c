import type { Fault } from '../fault.js';
import { startScreen, startX11vnc } from '../parts/display.js';
import { startGateway } from '../parts/gateway.js';
import { keepLooking } from '../parts/viewer.js';

/** x11vnc without -shared drops a second viewer as soon as it has said hello. */
export const F54: Fault = {
  id: 'F54',
  title: 'a second viewer is dropped after a perfect handshake',
  needs: ['Xvfb', 'x11vnc'],
  start: async (stage, is) => {
    const { display } = await startScreen(stage);
    const alone = ['-forever', '-nopw'];
    const args = is === 'broken' ? [...alone, '-nevershared', '-dontdisconnect'] : [...alone, '-shared'];
    const rfb = await startX11vnc(stage, { display, args });
    const gateway = await startGateway(stage, { rfb });
    stage.own(await keepLooking(rfb.port, stage.signal));
    return {
      flags: ['--url', gateway.url, '--rfb', `127.0.0.1:${rfb.port}`, '--duration', '3s'],
    };
  },
};
