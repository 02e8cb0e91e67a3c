import type { Fault } from '../fault.js';
import { startScreen, startX11vnc } from '../parts/display.js';
import { startRelay } from '../parts/relay.js';

const READ_TIMEOUT_MS = 4_000;

/** The relay waits so long for a message of the viewer, whatever flows to it; a viewer that only watches sends none. */
export const F40: Fault = {
  id: 'F40',
  title: 'viewers that only watch are cut while frames flow to them',
  needs: ['Xvfb', 'x11vnc', 'xsetroot'],
  start: async (stage, is) => {
    const { display } = await startScreen(stage, { moving: true });
    const rfb = await startX11vnc(stage, { display });
    const timer = is === 'broken' ? { readTimeoutMs: READ_TIMEOUT_MS } : {};
    const relay = await startRelay(stage, () => ({ to: { ...rfb, ...timer } }));
    return {
      flags: ['--url', relay.url, '--gateway', relay.url, '--rfb', `127.0.0.1:${rfb.port}`, '--duration', '20s'],
    };
  },
};
