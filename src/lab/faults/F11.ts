import { startScreen, startX11vnc } from '../parts/display.js';
import { startNginx } from '../parts/proxies.js';
import type { Fault } from '../fault.js';

const PASSED = `proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade;`;

/** nginx speaks HTTP/1.0 to what is behind it and takes Upgrade off, unless it is told otherwise. */
export const F11: Fault = {
  id: 'F11',
  title: 'nginx in front forwards the handshake as a plain request',
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
      ${is === 'healthy' ? PASSED : ''}
    }
  }`,
    });
    return { flags: ['--url', `ws://127.0.0.1:${nginx.port}/websockify`, '--duration', '3s'] };
  },
};
