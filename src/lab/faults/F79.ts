import { appendFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault } from '../fault.js';
import { startScreen, startX11vnc } from '../parts/display.js';
import { startGateway } from '../parts/gateway.js';

/** As long as nobody calls its API; that somebody watches does not count. */
const TTL_S = 8;

/** A control plane that ends sessions which nobody has asked about lately. A stand-in: ours counts viewers as use. */
export const F79: Fault = {
  id: 'F79',
  title: 'the session is reaped while somebody watches',
  needs: ['Xvfb', 'x11vnc', 'xsetroot'],
  start: async (stage, is) => {
    const { display } = await startScreen(stage, { moving: true });
    const rfb = await startX11vnc(stage, { display });
    const gateway = await startGateway(stage, { rfb });
    const log = await stage.file('sessions.log', line('session desk created'));
    const logs = ['--gateway-log', gateway.log, '--runner-log', rfb.process.logFile, '--control-log', log];
    return {
      flags: ['--url', gateway.url, '--rfb', `127.0.0.1:${rfb.port}`, ...logs, '--duration', '12s'],
      meanwhile: async (signal, setOff) => {
        await sleep(TTL_S * 1_000, undefined, { signal });
        if (is === 'healthy') return appendFile(log, line('session desk is watched by 1 viewer, kept'));
        await appendFile(log, line(`session desk had no API call for ${TTL_S} s, deleting it`));
        setOff();
        await rfb.process.stop();
      },
    };
  },
};

function line(text: string): string {
  return `${new Date().toISOString()} INFO ${text}\n`;
}
