import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault } from '../fault.js';
import { startScreen, startX11vnc } from '../parts/display.js';
import { startGateway } from '../parts/gateway.js';
import { signalProcess } from '../parts/proxies.js';

const HELD_MS = 9_000;

/** The X server ends while somebody watches; x11vnc follows it about four seconds later. */
export const F60: Fault = {
  id: 'F60',
  title: 'the X server dies, and the VNC server follows',
  needs: ['Xvfb', 'x11vnc'],
  start: async (stage, is) => {
    const screen = await startScreen(stage);
    const rfb = await startX11vnc(stage, { display: screen.display });
    const gateway = await startGateway(stage, { rfb });
    return {
      flags: ['--url', gateway.url, '--rfb', `127.0.0.1:${rfb.port}`, '--runner-log', rfb.process.logFile].concat([
        '--duration',
        '20s',
      ]),
      meanwhile: async (signal, setOff) => {
        await sleep(HELD_MS, undefined, { signal });
        setOff();
        if (is === 'broken') signalProcess(screen.process.pid, 'SIGTERM');
      },
    };
  },
};
