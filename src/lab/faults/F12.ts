import { startScreen, startX11vnc } from '../parts/display.js';
import { nginxTo, startNginx } from '../parts/proxies.js';
import { startWebsockify } from '../parts/websockify.js';
import type { Fault } from '../fault.js';

/** nginx gives up on a socket in which no byte has moved for proxy_read_timeout; a still screen moves none. */
export const F12: Fault = {
  id: 'F12',
  title: 'the idle timer of nginx in front cuts quiet sockets',
  needs: ['nginx', 'websockify', 'Xvfb', 'x11vnc'],
  start: async (stage, is) => {
    const { display } = await startScreen(stage);
    const rfb = await startX11vnc(stage, { display });
    const { port } = await startWebsockify(stage, { to: `127.0.0.1:${rfb.port}` });
    const timers = { read: is === 'broken' ? '5s' : '3600s', send: '3600s' };
    const nginx = await startNginx(stage, { http: (own) => nginxTo(own, port, timers) });
    return { flags: ['--url', `ws://127.0.0.1:${nginx.port}/websockify`, '--duration', '12s'] };
  },
};
