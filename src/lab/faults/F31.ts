import { startDesk } from '../parts/desk.js';
import { startNginx, startTraefik } from '../parts/proxies.js';
import type { Fault } from '../fault.js';

/** The auth service sends whoever has no cookie to a login; the socket of a viewer carries none. */
export const F31: Fault = {
  id: 'F31',
  title: 'forwardAuth answers the handshake with a redirect to the login',
  needs: ['traefik', 'nginx', 'Xvfb', 'x11vnc'],
  start: async (stage, is) => {
    const { gateway } = await startDesk(stage);
    const denies = 'if ($http_cookie = "") { return 302 https://login.localhost:9/start; }';
    const auth = await startNginx(stage, {
      http: (port) => `server {
    listen 127.0.0.1:${port};
    location / { ${is === 'broken' ? denies : ''} return 200 'ok'; }
  }`,
    });
    const traefik = await startTraefik(stage, {
      dynamic: {
        http: {
          routers: { vnc: { rule: 'PathPrefix(`/`)', entryPoints: ['web'], service: 'vnc', middlewares: ['login'] } },
          middlewares: { login: { forwardAuth: { address: `http://127.0.0.1:${auth.port}/` } } },
          services: { vnc: { loadBalancer: { servers: [{ url: `http://127.0.0.1:${gateway.port}` }] } } },
        },
      },
    });
    const url = `ws://127.0.0.1:${traefik.port}${gateway.path}`;
    return { flags: ['--url', url, '--traefik-log', traefik.accessLog, '--duration', '3s'] };
  },
};
