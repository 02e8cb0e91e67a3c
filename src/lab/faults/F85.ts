import type { Fault } from '../fault.js';
import { startScreen, startX11vnc } from '../parts/display.js';
import { startRelay } from '../parts/relay.js';

/** A bare Node server does not end a socket when its peer has ended its side, unless it is told to. */
export const F85: Fault = {
  id: 'F85',
  title: 'the gateway keeps sockets whose viewer has left',
  needs: ['Xvfb', 'x11vnc'],
  start: async (stage, is) => {
    const { display } = await startScreen(stage);
    const rfb = await startX11vnc(stage, { display });
    const relay = await startRelay(stage, () => ({ to: { ...rfb, ignoresFin: is === 'broken' } }));
    return {
      flags: ['--url', relay.url, '--gateway', relay.url, '--rfb', `127.0.0.1:${rfb.port}`, '--duration', '3s'],
    };
  },
};
