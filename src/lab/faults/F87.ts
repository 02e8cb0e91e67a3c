import { startScreen, startX11vnc } from '../parts/display.js';
import { routesTo, startTraefik } from '../parts/proxies.js';
import { startWebsockify } from '../parts/websockify.js';
import type { Fault } from '../fault.js';

const TOKEN = 'c2Vzc2lvbg;7f3a';

export const F87: Fault = {
  id: 'F87',
  title: 'a token with a semicolon arrives cut short',
  needs: ['traefik', 'websockify', 'Xvfb', 'x11vnc'],
  start: async (stage, is) => {
    const { display } = await startScreen(stage);
    const rfb = await startX11vnc(stage, { display });
    const tokens = await stage.file('tokens', `${TOKEN}: 127.0.0.1:${rfb.port}\n`);
    const relay = await startWebsockify(stage, { args: ['--token-plugin', 'TokenFile', '--token-source', tokens] });
    const encode = is === 'broken' ? {} : { http: { encodeQuerySemicolons: true } };
    const traefik = await startTraefik(stage, {
      static: { entryPoints: { web: encode } },
      dynamic: routesTo(`http://127.0.0.1:${relay.port}`),
    });
    const query = `/websockify?token=${TOKEN}`;
    return {
      flags: [
        ...['--url', `ws://127.0.0.1:${traefik.port}${query}`, '--gateway', `ws://127.0.0.1:${relay.port}${query}`],
        ...['--traefik-log', traefik.accessLog, '--duration', '3s'],
      ],
    };
  },
};
