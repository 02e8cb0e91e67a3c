import { startScreen, startX11vnc } from '../parts/display.js';
import { startGateway } from '../parts/gateway.js';
import { startTraefik } from '../parts/proxies.js';
import type { Fault } from '../fault.js';

export const F35: Fault = {
  id: 'F35',
  title: 'two replicas of the gateway, and one of them does not know the session',
  needs: ['traefik', 'Xvfb', 'x11vnc'],
  start: async (stage, is) => {
    const { display } = await startScreen(stage);
    const rfb = await startX11vnc(stage, { display });
    const one = await startGateway(stage, { rfb });
    const other = await startGateway(stage, { rfb, id: is === 'broken' ? 'bench' : 'desk' });
    const servers = [one, other].map(({ port }) => ({ url: `http://127.0.0.1:${port}` }));
    const traefik = await startTraefik(stage, {
      dynamic: {
        http: {
          routers: { vnc: { rule: 'PathPrefix(`/vnc/`)', entryPoints: ['web'], service: 'vnc' } },
          services: { vnc: { loadBalancer: { servers } } },
        },
      },
    });
    const url = `ws://127.0.0.1:${traefik.port}${one.path}`;
    return { flags: ['--url', url, '--traefik-log', traefik.accessLog, '--duration', '3s'] };
  },
};
