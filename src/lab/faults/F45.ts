import type { Fault } from '../fault.js';
import { startScreen, startX11vnc } from '../parts/display.js';
import { startRelay } from '../parts/relay.js';

/** The relay agrees to compression, as what is behind it would, and takes frames as if nobody had. */
export const F45: Fault = {
  id: 'F45',
  title: 'compression is agreed on, and nobody speaks it',
  needs: ['Xvfb', 'x11vnc'],
  start: async (stage, is) => {
    const { display } = await startScreen(stage);
    const rfb = await startX11vnc(stage, { display });
    const relay = await startRelay(stage, (request) => {
      const isOffered = request.headers['sec-websocket-extensions'] !== undefined;
      const headers = { 'Sec-WebSocket-Extensions': 'permessage-deflate' };
      return { to: { ...rfb, ...(is === 'broken' && isOffered && { headers }) } };
    });
    return { flags: ['--url', relay.url, '--rfb', `127.0.0.1:${rfb.port}`, '--duration', '3s'] };
  },
};
