import { flagsOf, startDesk } from '../parts/desk.js';
import { startNginx, startTraefik } from '../parts/proxies.js';
import type { Fault } from '../fault.js';

/** Without a priority the longer rule wins; the one of the UI was given one, and that of the socket was not. */
export const F21: Fault = {
  id: 'F21',
  title: 'the router of the user interface takes the handshake',
  needs: ['traefik', 'nginx', 'Xvfb', 'x11vnc'],
  start: async (stage, is) => {
    const desk = await startDesk(stage);
    const ui = await startNginx(stage, {
      http: (port) => `server {
    listen 127.0.0.1:${port};
    default_type text/html;
    location / { return 200 '<!doctype html><title>fleet</title><div id="app"></div>'; }
  }`,
    });
    const service = (port: number) => ({ loadBalancer: { servers: [{ url: `http://127.0.0.1:${port}` }] } });
    const own = is === 'broken' ? {} : { priority: 200 };
    const dynamic = {
      http: {
        routers: {
          ui: { rule: 'PathPrefix(`/`)', entryPoints: ['web'], service: 'ui', priority: 100 },
          socket: { rule: 'PathPrefix(`/vnc/`)', entryPoints: ['web'], service: 'gateway', ...own },
        },
        services: { ui: service(ui.port), gateway: service(desk.gateway.port) },
      },
    };
    return { flags: flagsOf(await startTraefik(stage, { dynamic }), desk) };
  },
};
