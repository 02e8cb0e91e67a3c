import { startScreen, startX11vnc } from '../parts/display.js';
import { nginxTo, startNginx } from '../parts/proxies.js';
import { startWebsockify } from '../parts/websockify.js';
import type { Fault } from '../fault.js';

/** nginx speaks HTTP/1.0 to what is behind it and takes Upgrade off, unless it is told otherwise. */
export const F11: Fault = {
  id: 'F11',
  title: 'nginx in front forwards the handshake as a plain request',
  needs: ['nginx', 'websockify', 'Xvfb', 'x11vnc'],
  start: async (stage, is) => {
    const { display } = await startScreen(stage);
    const rfb = await startX11vnc(stage, { display });
    const { port } = await startWebsockify(stage, { to: `127.0.0.1:${rfb.port}` });
    const plain = (own: number): string =>
      `server { listen 127.0.0.1:${own}; location / { proxy_pass http://127.0.0.1:${port}; } }`;
    const nginx = await startNginx(stage, { http: is === 'broken' ? plain : (own) => nginxTo(own, port) });
    return { flags: ['--url', `ws://127.0.0.1:${nginx.port}/websockify`, '--duration', '3s'] };
  },
};
