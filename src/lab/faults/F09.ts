import { makeCertificates, TLS_ENTRY, tlsOf } from '../parts/certificates.js';
import { startDesk } from '../parts/desk.js';
import { routesTo, startTraefik } from '../parts/proxies.js';
import type { Fault } from '../fault.js';

/** No certificate of Traefik is for the name that viewers type, so it shows the one that it makes itself. */
export const F09: Fault = {
  id: 'F09',
  title: 'Traefik shows its default certificate for the host of the socket',
  needs: ['traefik', 'Xvfb', 'x11vnc'],
  start: async (stage, is) => {
    const { gateway } = await startDesk(stage);
    const files = await makeCertificates(stage, [is === 'broken' ? 'vnc.example' : 'localhost']);
    const dynamic = { ...routesTo(`http://127.0.0.1:${gateway.port}`), ...tlsOf(files) };
    const traefik = await startTraefik(stage, { static: TLS_ENTRY, dynamic });
    return {
      flags: ['--url', `wss://localhost:${traefik.port}${gateway.path}`, '--ca', files.ca, '--duration', '3s'],
    };
  },
};
