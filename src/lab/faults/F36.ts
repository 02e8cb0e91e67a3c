import type { Fault } from '../fault.js';
import { startScreen, startX11vnc } from '../parts/display.js';
import { startRelay } from '../parts/relay.js';
import { watchSocket } from '../parts/viewer.js';

/** A gateway with one place, which another viewer has; it refuses before it accepts, so that no reason leaves it. */
export const F36: Fault = {
  id: 'F36',
  title: 'every refusal of the gateway becomes 403',
  needs: ['Xvfb', 'x11vnc'],
  start: async (stage, is) => {
    const { display } = await startScreen(stage);
    const rfb = await startX11vnc(stage, { display });
    const places = is === 'broken' ? 1 : 100;
    const relay = await startRelay(stage, (_request, open) => (open < places ? { to: rfb } : { refuse: 403 }));
    stage.own(await watchSocket(relay.url));
    return {
      flags: ['--url', relay.url, '--gateway', relay.url, '--rfb', `127.0.0.1:${rfb.port}`]
        .concat(['--gateway-log', relay.log])
        .concat(['--duration', '3s']),
    };
  },
};
