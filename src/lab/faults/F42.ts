import type { Fault } from '../fault.js';
import { startScreen, startX11vnc } from '../parts/display.js';
import { startGateway } from '../parts/gateway.js';
import { nginxTo, startNginx } from '../parts/proxies.js';

/** The gateway is believed to ping every two seconds; it does not, and an nginx in front cuts what is quiet. */
export const F42: Fault = {
  id: 'F42',
  title: 'pings are set, and none comes',
  needs: ['Xvfb', 'x11vnc', 'nginx'],
  start: async (stage, is) => {
    const { display } = await startScreen(stage);
    const rfb = await startX11vnc(stage, { display });
    const every = is === 'broken' ? '0' : '2000';
    const gateway = await startGateway(stage, { rfb, env: { WS_PING_INTERVAL_MS: every } });
    const timers = { read: '6s', send: '6s' };
    const nginx = await startNginx(stage, { http: (own) => nginxTo(own, gateway.port, timers) });
    return {
      flags: ['--url', `ws://127.0.0.1:${nginx.port}${gateway.path}`, '--gateway', gateway.url]
        .concat(['--rfb', `127.0.0.1:${rfb.port}`, '--heartbeat', '2s'])
        .concat(['--duration', '20s']),
    };
  },
};
