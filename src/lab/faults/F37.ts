import type { Fault } from '../fault.js';
import { startScreen, startX11vnc } from '../parts/display.js';
import { startRelay } from '../parts/relay.js';

/** Ids up to 6909 are handed out; the gateway knows five of them. */
export const F37: Fault = {
  id: 'F37',
  title: 'ids are handed out that the gateway does not know',
  needs: ['Xvfb', 'x11vnc'],
  start: async (stage, is) => {
    const { display } = await startScreen(stage);
    const rfb = await startX11vnc(stage, { display });
    const last = is === 'broken' ? 6904 : 6909;
    const relay = await startRelay(stage, ({ url = '' }) => {
      const id = Number(new URL(url, 'http://relay').searchParams.get('token'));
      return id >= 6900 && id <= last ? { to: rfb } : { close: 1008, reason: 'unknown id' };
    });
    const url = `${relay.url}?token=6905`;
    return {
      flags: ['--url', url, '--gateway', url, '--rfb', `127.0.0.1:${rfb.port}`, '--duration', '3s'],
    };
  },
};
