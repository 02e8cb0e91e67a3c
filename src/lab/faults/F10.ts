import { makeCertificates, TLS_ENTRY, tlsOf } from '../parts/certificates.js';
import { startDesk } from '../parts/desk.js';
import { startTraefik } from '../parts/proxies.js';
import type { Fault } from '../fault.js';

/** redirectScheme without a port sends wss on another port than 443 to https on none: every handshake is a 302. */
export const F10: Fault = {
  id: 'F10',
  title: 'a redirect to https answers the handshake',
  needs: ['traefik', 'Xvfb', 'x11vnc'],
  start: async (stage, is) => {
    const { gateway } = await startDesk(stage);
    const files = await makeCertificates(stage, ['localhost']);
    const service = { loadBalancer: { servers: [{ url: `http://127.0.0.1:${gateway.port}` }] } };
    const port = await stage.port();
    const traefik = await startTraefik(stage, {
      port,
      static: TLS_ENTRY,
      dynamic: {
        http: {
          routers: { vnc: { rule: 'PathPrefix(`/`)', entryPoints: ['web'], service: 'vnc', middlewares: ['secure'] } },
          middlewares: {
            secure: { redirectScheme: { scheme: 'https', ...(is === 'healthy' && { port: String(port) }) } },
          },
          services: { vnc: service },
        },
        ...tlsOf(files),
      },
    });
    return {
      flags: ['--url', `wss://localhost:${traefik.port}${gateway.path}`, '--ca', files.ca]
        .concat(['--traefik-log', traefik.accessLog])
        .concat(['--duration', '3s']),
    };
  },
};
