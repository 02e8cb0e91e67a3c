import { flagsOf, startDesk } from '../parts/desk.js';
import { routesTo, startTraefik } from '../parts/proxies.js';
import type { Fault } from '../fault.js';

export const F24: Fault = {
  id: 'F24',
  title: 'the service of Traefik leads to a port on which nobody listens',
  needs: ['traefik', 'Xvfb', 'x11vnc'],
  start: async (stage, is) => {
    const desk = await startDesk(stage);
    const port = is === 'broken' ? await stage.port() : desk.gateway.port;
    const traefik = await startTraefik(stage, { dynamic: routesTo(`http://127.0.0.1:${port}`) });
    return { flags: flagsOf(traefik, desk) };
  },
};
