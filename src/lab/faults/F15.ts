import { startCdn } from '../parts/cdn.js';
import { startDesk } from '../parts/desk.js';
import { routesTo, startTraefik } from '../parts/proxies.js';
import type { Fault } from '../fault.js';

const HOUR_MS = 3_600_000;

/** A CDN closes quiet sockets with 1000, as if somebody had logged out. */
export const F15: Fault = {
  id: 'F15',
  title: 'a CDN closes quiet sockets in order',
  needs: ['traefik', 'Xvfb', 'x11vnc'],
  start: async (stage, is) => {
    const { gateway } = await startDesk(stage, { env: { WS_PING_INTERVAL_MS: '60000', WS_READ_TIMEOUT_MS: '200000' } });
    const traefik = await startTraefik(stage, { dynamic: routesTo(`http://127.0.0.1:${gateway.port}`) });
    const cdn = await startCdn(stage, { port: traefik.port, idleTimeoutMs: is === 'broken' ? 4_000 : HOUR_MS });
    return {
      flags: ['--url', `ws://127.0.0.1:${cdn.port}${gateway.path}`, '--gateway', gateway.url]
        .concat(['--traefik-log', traefik.accessLog, '--gateway-log', gateway.log])
        .concat(['--duration', '10s']),
    };
  },
};
