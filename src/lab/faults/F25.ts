import { flagsOf, startDesk } from '../parts/desk.js';
import { routesTo, signalProcess, startTraefik } from '../parts/proxies.js';
import type { Fault } from '../fault.js';

/** The kernel goes on accepting for a process that is stopped. */
export const F25: Fault = {
  id: 'F25',
  title: 'the gateway accepts connections and answers none',
  needs: ['traefik', 'Xvfb', 'x11vnc'],
  start: async (stage, is) => {
    const desk = await startDesk(stage);
    const traefik = await startTraefik(stage, { dynamic: routesTo(`http://127.0.0.1:${desk.gateway.port}`) });
    const { pid } = desk.gateway.process;
    if (is === 'broken') {
      signalProcess(pid, 'SIGSTOP');
      stage.defer(() => signalProcess(pid, 'SIGCONT'));
    }
    return { flags: flagsOf(traefik, desk) };
  },
};
