import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault } from '../fault.js';
import { startScreen, startX11vnc } from '../parts/display.js';
import { startGateway } from '../parts/gateway.js';
import { signalProcess } from '../parts/proxies.js';

const HELD_MS = 9_000;

/** The gateway is killed while it is looked through. */
export const F50: Fault = {
  id: 'F50',
  title: 'the gateway ends, and all viewers with it',
  needs: ['Xvfb', 'x11vnc'],
  start: async (stage, is) => {
    const { display } = await startScreen(stage);
    const rfb = await startX11vnc(stage, { display });
    const gateway = await startGateway(stage, { rfb });
    return {
      flags: ['--url', gateway.url, '--gateway', gateway.url, '--rfb', `127.0.0.1:${rfb.port}`, '--duration', '15s'],
      meanwhile: async (signal, setOff) => {
        await sleep(HELD_MS, undefined, { signal });
        setOff();
        if (is === 'broken') signalProcess(gateway.process.pid, 'SIGKILL');
      },
    };
  },
};
