import { readFileSync, readdirSync } from 'node:fs';
import type { Fault } from '../fault.js';
import { startScreen, startX11vnc } from '../parts/display.js';
import { startGateway } from '../parts/gateway.js';
import { watchSocket } from '../parts/viewer.js';

const ABANDONED = 6;

/** Viewers that were left behind hold the descriptors of the gateway; there is none for the next. */
export const F49: Fault = {
  id: 'F49',
  title: 'the gateway has no file descriptor left',
  needs: ['Xvfb', 'x11vnc', 'prlimit'],
  start: async (stage, is) => {
    const { display } = await startScreen(stage);
    const rfb = await startX11vnc(stage, { display });
    const gateway = await startGateway(stage, { rfb, env: { WS_PING_INTERVAL_MS: '0' } });
    for (let viewer = 0; viewer < ABANDONED; viewer += 1) stage.own(await watchSocket(gateway.url));
    const { pid } = gateway.process;
    const limit = is === 'broken' ? readdirSync(`/proc/${pid}/fd`).length : 4_096;
    const set = `prlimit --pid ${pid} --nofile=${limit}:${limit}; exec sleep 600`;
    const ready = async (): Promise<true | string> =>
      new RegExp(`open files +${limit} `).test(readFileSync(`/proc/${pid}/limits`, 'utf8')) || 'the limit is not set';
    await stage.start({ program: 'bash', args: ['-c', set], ready });
    return {
      flags: ['--url', gateway.url, '--gateway', gateway.url, '--rfb', `127.0.0.1:${rfb.port}`]
        .concat(['--gateway-log', gateway.log])
        .concat(['--duration', '3s']),
    };
  },
};
