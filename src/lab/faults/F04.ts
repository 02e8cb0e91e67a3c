import { startDesk } from '../parts/desk.js';
import { routesTo, startTraefik } from '../parts/proxies.js';
import type { Fault } from '../fault.js';

/** The page puts its own folder in front of a path that holds it already. */
export const F04: Fault = {
  id: 'F04',
  title: 'the path of the socket holds its prefix twice',
  needs: ['traefik', 'Xvfb', 'x11vnc'],
  start: async (stage, is) => {
    const { gateway } = await startDesk(stage);
    const traefik = await startTraefik(stage, { dynamic: routesTo(`http://127.0.0.1:${gateway.port}`) });
    const at = `127.0.0.1:${traefik.port}`;
    const folder = gateway.path.replace(/[^/]*$/, '');
    const path = is === 'broken' ? `${folder}${gateway.path.slice(1)}` : gateway.path;
    return {
      flags: ['--url', `ws://${at}${path}`, '--page', `http://${at}${folder}`, '--gateway', gateway.url].concat([
        '--traefik-log',
        traefik.accessLog,
        '--duration',
        '3s',
      ]),
    };
  },
};
