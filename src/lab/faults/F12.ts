import { startScreen, startX11vnc } from '../parts/display.js';
import { startNginx } from '../parts/proxies.js';
import type { Fault } from '../fault.js';

/** nginx gives up on a socket in which no byte has moved for proxy_read_timeout; a still screen moves none. */
export const F12: Fault = {
  id: 'F12',
  title: 'the idle timer of nginx in front cuts quiet sockets',
  needs: ['nginx', 'websockify', 'Xvfb', 'x11vnc'],
  start: async (stage, is) => {
    const { display } = await startScreen(stage);
    const rfb = await startX11vnc(stage, { display });
    const port = await stage.port();
    await stage.start({ program: 'websockify', args: [`127.0.0.1:${port}`, `127.0.0.1:${rfb.port}`], port });
    const nginx = await startNginx(stage, {
      http: (own) => `server {
    listen 127.0.0.1:${own};
    location / {
      proxy_pass http://127.0.0.1:${port};
      proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade;
      proxy_read_timeout ${is === 'broken' ? '5s' : '3600s'};
      proxy_send_timeout 3600s;
    }
  }`,
    });
    return { flags: ['--url', `ws://127.0.0.1:${nginx.port}/websockify`, '--duration', '12s'] };
  },
};
