import { flagsOf, startDesk } from '../parts/desk.js';
import { routesTo, startTraefik } from '../parts/proxies.js';
import type { Fault } from '../fault.js';

/** Traefik 3 takes a placeholder of version 2 for letters of the path: the router is loaded and never matches. */
export const F20: Fault = {
  id: 'F20',
  title: 'a rule in the syntax of Traefik 2 matches nothing in Traefik 3',
  needs: ['traefik', 'Xvfb', 'x11vnc'],
  start: async (stage, is) => {
    const desk = await startDesk(stage);
    const rule = is === 'broken' ? 'PathPrefix(`/vnc/{id:[a-z]+}`)' : 'PathPrefix(`/vnc/`)';
    const dynamic = routesTo(`http://127.0.0.1:${desk.gateway.port}`, rule);
    return { flags: flagsOf(await startTraefik(stage, { dynamic }), desk) };
  },
};
