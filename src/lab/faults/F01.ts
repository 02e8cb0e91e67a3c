import { makeCertificates, TLS_ENTRY, tlsOf } from '../parts/certificates.js';
import { startDesk } from '../parts/desk.js';
import { routesTo, startTraefik } from '../parts/proxies.js';
import type { Fault } from '../fault.js';

/** The page is served by TLS, and the socket that it is told of is not: a browser refuses it, a command line opens it. */
export const F01: Fault = {
  id: 'F01',
  title: 'a page of https is handed a socket of ws://',
  needs: ['traefik', 'Xvfb', 'x11vnc'],
  start: async (stage, is) => {
    const { gateway } = await startDesk(stage);
    const files = await makeCertificates(stage, ['localhost']);
    const dynamic = { ...routesTo(`http://127.0.0.1:${gateway.port}`), ...tlsOf(files) };
    const secure = await startTraefik(stage, { static: TLS_ENTRY, dynamic });
    const plain = await startTraefik(stage, { dynamic: routesTo(`http://127.0.0.1:${gateway.port}`) });
    const socket = is === 'broken' ? `ws://localhost:${plain.port}` : `wss://localhost:${secure.port}`;
    const page = `https://localhost:${secure.port}${gateway.path.replace(/[^/]*$/, '')}`;
    return {
      flags: ['--url', `${socket}${gateway.path}`, '--page', page, '--ca', files.ca, '--duration', '3s'],
    };
  },
};
