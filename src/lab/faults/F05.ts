import { startScreen, startX11vnc } from '../parts/display.js';
import { startRelay } from '../parts/relay.js';
import type { Fault } from '../fault.js';

/** The gateway names a subprotocol of its own in every 101: lenient clients go on, browsers fail the socket. */
export const F05: Fault = {
  id: 'F05',
  title: 'the gateway selects a subprotocol that was not offered',
  needs: ['Xvfb', 'x11vnc'],
  start: async (stage, is) => {
    const { display } = await startScreen(stage);
    const { port } = await startX11vnc(stage, { display });
    const headers = is === 'broken' ? { 'Sec-WebSocket-Protocol': 'base64' } : {};
    const relay = await startRelay(stage, () => ({ to: { port, headers } }));
    return { flags: ['--url', relay.url, '--gateway-log', relay.log, '--duration', '3s'] };
  },
};
