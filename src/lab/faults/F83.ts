import type { Fault } from '../fault.js';
import { flagsOf, startDesk } from '../parts/desk.js';
import { startGateway } from '../parts/gateway.js';
import { startTraefik } from '../parts/proxies.js';

/** During a rollout the old gateway has stopped, and Traefik still deals handshakes out to it. */
export const F83: Fault = {
  id: 'F83',
  title: 'a rollout: handshakes still go to the gateway that has stopped',
  needs: ['traefik', 'Xvfb', 'x11vnc'],
  start: async (stage, is) => {
    const desk = await startDesk(stage);
    const old = await startGateway(stage, { rfb: { port: desk.rfbPort } });
    const servers = [desk.gateway, old].map(({ port }) => ({ url: `http://127.0.0.1:${port}` }));
    const traefik = await startTraefik(stage, {
      dynamic: {
        http: {
          routers: { vnc: { rule: 'PathPrefix(`/`)', entryPoints: ['web'], service: 'vnc' } },
          services: { vnc: { loadBalancer: { servers } } },
        },
      },
    });
    if (is === 'broken') await old.process.stop();
    return { flags: flagsOf(traefik, desk) };
  },
};
