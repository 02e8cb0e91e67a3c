import type { Fault } from '../fault.js';
import { startScreen, startX11vnc } from '../parts/display.js';
import { startRelay } from '../parts/relay.js';
import { startThinLine } from '../parts/thin-line.js';

/** Less than two pictures of the screen a second. */
const THIN = 700_000;

/** The pong of a viewer on a thin line waits behind whole pictures, longer than the relay is patient. */
export const F43: Fault = {
  id: 'F43',
  title: 'pings cut viewers whose line is thin',
  needs: ['Xvfb', 'x11vnc', 'xsetroot'],
  start: async (stage, is) => {
    const { display } = await startScreen(stage, { moving: true });
    const rfb = await startX11vnc(stage, { display });
    const deadlineMs = is === 'broken' ? 900 : 60_000;
    const relay = await startRelay(stage, () => ({ to: { ...rfb, pings: { everyMs: 1_000, deadlineMs } } }));
    const line = await startThinLine(stage, { to: relay.port, bytesPerSecond: THIN });
    const url = `ws://127.0.0.1:${line}/websockify`;
    return {
      flags: ['--url', url, '--gateway', url, '--rfb', `127.0.0.1:${rfb.port}`, '--duration', '15s'],
    };
  },
};
