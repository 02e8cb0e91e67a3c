import { makeCertificates, TLS_ENTRY, tlsOf } from '../parts/certificates.js';
import { startDesk } from '../parts/desk.js';
import { startTraefik } from '../parts/proxies.js';
import type { Fault } from '../fault.js';

/** A headers middleware lets the page talk to an API and forgets its socket: the command line opens it, no browser does. */
export const F02: Fault = {
  id: 'F02',
  title: 'Content-Security-Policy of the page forbids its socket',
  needs: ['traefik', 'Xvfb', 'x11vnc'],
  start: async (stage, is) => {
    const { gateway } = await startDesk(stage);
    const files = await makeCertificates(stage, ['localhost']);
    const allowed = is === 'broken' ? 'https://api.example' : "'self' https://api.example";
    const headers = { contentSecurityPolicy: `default-src 'self'; connect-src ${allowed}` };
    const traefik = await startTraefik(stage, {
      static: TLS_ENTRY,
      dynamic: {
        http: {
          routers: { vnc: { rule: 'PathPrefix(`/`)', entryPoints: ['web'], service: 'vnc', middlewares: ['safe'] } },
          middlewares: { safe: { headers } },
          services: { vnc: { loadBalancer: { servers: [{ url: `http://127.0.0.1:${gateway.port}` }] } } },
        },
        ...tlsOf(files),
      },
    });
    const at = `localhost:${traefik.port}`;
    const page = `https://${at}${gateway.path.replace(/[^/]*$/, '')}`;
    return {
      flags: ['--url', `wss://${at}${gateway.path}`, '--page', page, '--ca', files.ca, '--duration', '3s'],
    };
  },
};
