import type { Fault } from '../fault.js';
import { startScreen, startX11vnc } from '../parts/display.js';
import { startWebsockify } from '../parts/websockify.js';

/** The viewer has another password than the runner. */
export const F69: Fault = {
  id: 'F69',
  title: 'the RFB password is another one',
  needs: ['Xvfb', 'x11vnc', 'websockify'],
  start: async (stage, is) => {
    const { display } = await startScreen(stage);
    const ours = await stage.file('runner-password', 'sesame-1\n', 0o600);
    const theirs = await stage.file('viewer-password', is === 'broken' ? 'sesame-2\n' : 'sesame-1\n', 0o600);
    const rfb = await startX11vnc(stage, { display, args: ['-forever', '-shared', '-passwdfile', ours] });
    const relay = await startWebsockify(stage, { to: `127.0.0.1:${rfb.port}` });
    return { flags: ['--url', relay.url, '--password-file', theirs, '--duration', '3s'] };
  },
};
