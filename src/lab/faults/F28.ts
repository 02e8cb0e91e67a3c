import { TLS_ENTRY, makeCertificates, tlsOf } from '../parts/certificates.js';
import { startDesk } from '../parts/desk.js';
import { routesTo, startTraefik } from '../parts/proxies.js';
import type { Fault } from '../fault.js';

/** As Traefik 3.2.4 and 3.3.0 did by themselves: it offers extended CONNECT and answers 501. */
const OFFERED = { GODEBUG: 'http2xconnect=1' };

export const F28: Fault = {
  id: 'F28',
  title: 'Traefik offers WebSocket over HTTP/2 and does not carry it',
  needs: ['traefik', 'Xvfb', 'x11vnc'],
  start: async (stage, is) => {
    const { gateway } = await startDesk(stage);
    const files = await makeCertificates(stage, ['localhost']);
    const traefik = await startTraefik(stage, {
      static: TLS_ENTRY,
      dynamic: { ...routesTo(`http://127.0.0.1:${gateway.port}`), ...tlsOf(files) },
      env: is === 'broken' ? OFFERED : {},
    });
    const url = `wss://localhost:${traefik.port}${gateway.path}`;
    return { flags: ['--url', url, '--ca', files.ca, '--gateway', gateway.url, '--duration', '3s'] };
  },
};
