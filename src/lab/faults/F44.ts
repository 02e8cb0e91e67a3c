import type { Fault } from '../fault.js';
import { startScreen, startX11vnc } from '../parts/display.js';
import { startRelay } from '../parts/relay.js';

const IDLE_MS = 4_000;

/** Whatever ends a socket of this relay, it says that the upstream did; this time it was its own idle timer. */
export const F44: Fault = {
  id: 'F44',
  title: 'the reason in the close frame is not true',
  needs: ['Xvfb', 'x11vnc'],
  start: async (stage, is) => {
    const { display } = await startScreen(stage);
    const rfb = await startX11vnc(stage, { display });
    const lastWords = { code: 1011, reason: 'upstream_closed' };
    const idle = is === 'broken' ? { idleTimeoutMs: IDLE_MS } : {};
    const relay = await startRelay(stage, () => ({ to: { ...rfb, lastWords, ...idle } }));
    return {
      flags: ['--url', relay.url, '--gateway', relay.url, '--rfb', `127.0.0.1:${rfb.port}`, '--duration', '12s'],
    };
  },
};
