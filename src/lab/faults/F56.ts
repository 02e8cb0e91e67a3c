import type { Fault } from '../fault.js';
import { startScreen, startX11vnc } from '../parts/display.js';
import { startWebsockify } from '../parts/websockify.js';

/** What a VNC server does for each connection where it may open a thousand million files: it walks over them. */
const WALKS = `
const net = require('node:net');
const { argv } = process;
const [port, target, walkMs] = argv.slice(1).map(Number);
net.createServer((viewer) => {
  const until = Date.now() + walkMs;
  while (Date.now() < until);
  const server = net.connect(target, '127.0.0.1');
  viewer.pipe(server).pipe(viewer);
  for (const socket of [viewer, server]) socket.on('error', () => {}).on('close', () => { viewer.destroy(); server.destroy(); });
}).listen(port, '127.0.0.1');`;

const WALK_MS = 2_300;
/** As far as this machine lets us. */
const HUGE_LIMIT = 'ulimit -n 1048576 2>/dev/null || ulimit -S -n hard';

/** The greeting comes after the same long time for each connection. A stand-in in front of a real x11vnc: such a limit is not ours to set. */
export const F56: Fault = {
  id: 'F56',
  title: 'seconds, or minutes, between connection and greeting: a huge limit of open files',
  needs: ['Xvfb', 'x11vnc', 'websockify'],
  start: async (stage, is) => {
    const { display } = await startScreen(stage);
    const x11vnc = await startX11vnc(stage, { display });
    const port = await stage.port();
    const walkMs = is === 'broken' ? WALK_MS : 0;
    const args = ['-e', WALKS, String(port), String(x11vnc.port), String(walkMs)];
    const limit = is === 'broken' ? HUGE_LIMIT : 'ulimit -S -n 1024';
    await stage.start({ program: 'bash', args: ['-c', `${limit}; exec "$@"`, 'bash', stage.node, ...args], port });
    const relay = await startWebsockify(stage, { to: `127.0.0.1:${port}` });
    return { flags: ['--url', relay.url, '--rfb', `127.0.0.1:${port}`, '--duration', '3s'] };
  },
};
