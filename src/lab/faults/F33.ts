import { setTimeout as sleep } from 'node:timers/promises';
import { makeCertificates, tlsOf } from '../parts/certificates.js';
import { startDesk } from '../parts/desk.js';
import { routesTo, signalProcess, startTraefik } from '../parts/proxies.js';
import type { Fault } from '../fault.js';

/** Verify has its sockets open by then. */
const BEFORE_MS = 6_000;

export const F33: Fault = {
  id: 'F33',
  title: 'Traefik is stopped for an update and cuts every socket after its grace',
  needs: ['traefik', 'Xvfb', 'x11vnc'],
  start: async (stage, is) => {
    const { gateway, rfbPort } = await startDesk(stage);
    const files = await makeCertificates(stage, ['localhost']);
    const traefik = await startTraefik(stage, {
      static: { entryPoints: { web: { http: { tls: {} }, transport: { lifeCycle: { graceTimeOut: '2s' } } } } },
      dynamic: { ...routesTo(`http://127.0.0.1:${gateway.port}`), ...tlsOf(files) },
    });
    const flags = [
      ...['--url', `wss://localhost:${traefik.port}${gateway.path}`, '--ca', files.ca],
      ...['--gateway', gateway.url, '--rfb', `127.0.0.1:${rfbPort}`],
      ...['--traefik-log', traefik.accessLog, '--duration', '12s'],
    ];
    const stop = async (signal: AbortSignal, setOff: () => void): Promise<void> => {
      await sleep(BEFORE_MS, undefined, { signal });
      setOff();
      signalProcess(traefik.process.pid, 'SIGTERM');
    };
    return is === 'broken' ? { flags, meanwhile: stop } : { flags };
  },
};
