import type { Fault } from '../fault.js';
import { startScreen } from '../parts/display.js';
import { startGateway } from '../parts/gateway.js';

/** Browser and VNC server see a /dev/shm of the size that container runtimes give. */
export const F64: Fault = {
  id: 'F64',
  title: 'the browser has too little shared memory',
  needs: ['root', 'Xvfb', 'x11vnc', 'chromium', 'unshare'],
  start: async (stage, is) => {
    const { display } = await startScreen(stage);
    const port = await stage.port();
    const size = is === 'broken' ? '64m' : '1g';
    const browser = `chromium --no-sandbox --no-first-run --disable-gpu --user-data-dir=${stage.folder}/profile about:blank`;
    const server = `x11vnc -display ${display} -rfbport ${port} -no6 -listen 127.0.0.1 -norc -forever -shared -nopw`;
    const script = `mount -t tmpfs -o size=${size} tmpfs /dev/shm; ${browser} >/dev/null 2>&1 & exec ${server}`;
    await stage.start({ program: 'unshare', args: ['-m', 'bash', '-c', script], env: { DISPLAY: display }, port });
    const gateway = await startGateway(stage, { rfb: { port } });
    return { flags: ['--url', gateway.url, '--rfb', `127.0.0.1:${port}`, '--duration', '3s'] };
  },
};
