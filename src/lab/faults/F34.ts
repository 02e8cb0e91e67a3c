import { flagsOf, startDesk } from '../parts/desk.js';
import { routesTo, startTraefik } from '../parts/proxies.js';
import type { Fault } from '../fault.js';

/** A socket that went well has the status 0, and so no line. */
export const F34: Fault = {
  id: 'F34',
  title: 'the access log of Traefik leaves out every socket that went well',
  needs: ['traefik', 'Xvfb', 'x11vnc'],
  start: async (stage, is) => {
    const desk = await startDesk(stage);
    const filters = is === 'broken' ? { filters: { statusCodes: ['200-599'] } } : {};
    const dynamic = routesTo(`http://127.0.0.1:${desk.gateway.port}`);
    return { flags: flagsOf(await startTraefik(stage, { dynamic, static: { accessLog: filters } }), desk) };
  },
};
