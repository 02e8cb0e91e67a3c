import { setTimeout as sleep } from 'node:timers/promises';
import { startDesk } from '../parts/desk.js';
import { nginxTo, startNginx } from '../parts/proxies.js';
import { connectionsTo } from '../listening.js';
import type { Fault } from '../fault.js';

/** A hold has more sockets open at once than probes ever have. */
const HOLDING = 5;
const LOOK_MS = 100;

/** nginx is told to read its configuration anew: the old worker and all its sockets end worker_shutdown_timeout later. */
export const F17: Fault = {
  id: 'F17',
  title: 'a reload of nginx in front ends all sockets that are older',
  needs: ['nginx', 'Xvfb', 'x11vnc'],
  start: async (stage, is) => {
    const { gateway } = await startDesk(stage);
    const nginx = await startNginx(stage, {
      main: `worker_shutdown_timeout ${is === 'broken' ? '4s' : '240s'};`,
      http: (own) => nginxTo(own, gateway.port),
    });
    return {
      flags: ['--url', `ws://127.0.0.1:${nginx.port}${gateway.path}`, '--gateway', gateway.url].concat([
        '--gateway-log',
        gateway.log,
        '--duration',
        '14s',
      ]),
      meanwhile: async (signal, setOff) => {
        while (connectionsTo(nginx.port) < HOLDING) await sleep(LOOK_MS, undefined, { signal });
        await sleep(1_000, undefined, { signal });
        setOff();
        nginx.reload();
      },
    };
  },
};
