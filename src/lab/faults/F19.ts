import { makeCertificates } from '../parts/certificates.js';
import { startScreen, startX11vnc } from '../parts/display.js';
import { startGateway } from '../parts/gateway.js';
import { startTraefik } from '../parts/proxies.js';
import type { Fault } from '../fault.js';

/** The gateway ends TLS itself, and Traefik dials it in plaintext. */
export const F19: Fault = {
  id: 'F19',
  title: 'Traefik speaks plaintext to a gateway that speaks TLS',
  needs: ['traefik', 'Xvfb', 'x11vnc'],
  start: async (stage, is) => {
    const { display } = await startScreen(stage);
    const rfb = await startX11vnc(stage, { display });
    const files = await makeCertificates(stage, ['localhost']);
    const gateway = await startGateway(stage, {
      rfb,
      env: { CAMOFLEET_GATEWAY_TLS_CERT_FILE: files.certificate, CAMOFLEET_GATEWAY_TLS_KEY_FILE: files.key },
    });
    const scheme = is === 'broken' ? 'http' : 'https';
    const servers = [{ url: `${scheme}://localhost:${gateway.port}` }];
    const traefik = await startTraefik(stage, {
      dynamic: {
        http: {
          routers: { vnc: { rule: 'PathPrefix(`/`)', entryPoints: ['web'], service: 'vnc' } },
          services: { vnc: { loadBalancer: { servers, serversTransport: 'own' } } },
          serversTransports: { own: { rootCAs: [files.ca] } },
        },
      },
    });
    return {
      flags: ['--url', `ws://127.0.0.1:${traefik.port}${gateway.path}`]
        .concat(['--gateway', `wss://localhost:${gateway.port}${gateway.path}`, '--ca', files.ca])
        .concat(['--traefik-log', traefik.accessLog, '--duration', '3s']),
    };
  },
};
