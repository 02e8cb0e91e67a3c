import { once } from 'node:events';
import { nodeHttp } from '../../core/index.js';
import type { Fault } from '../fault.js';
import { startScreen, startX11vnc } from '../parts/display.js';
import { startWebsockify } from '../parts/websockify.js';

/** The target of websockify is a web server. */
export const F46: Fault = {
  id: 'F46',
  title: 'the relay leads to something that is no RFB server',
  needs: ['Xvfb', 'x11vnc', 'websockify'],
  start: async (stage, is) => {
    const { display } = await startScreen(stage);
    const rfb = await startX11vnc(stage, { display });
    const web = nodeHttp().createServer((_request, response) => response.end('hello'));
    web.requestTimeout = 1_000;
    const port = await stage.port();
    await once(web.listen(port, '127.0.0.1'), 'listening');
    stage.defer(() => void web.close());
    const relay = await startWebsockify(stage, { to: `127.0.0.1:${is === 'broken' ? port : rfb.port}` });
    return {
      flags: ['--url', relay.url, '--rfb', `127.0.0.1:${rfb.port}`, '--gateway-log', relay.process.logFile].concat([
        '--duration',
        '3s',
      ]),
    };
  },
};
