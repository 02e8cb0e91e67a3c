import type { Fault } from '../fault.js';
import { startScreen, startX11vnc } from '../parts/display.js';
import { startRelay } from '../parts/relay.js';

/** Two desktops; the relay believes a cookie, which all tabs share, more than the id in the URL. */
export const F47: Fault = {
  id: 'F47',
  title: 'a tab shows the desktop of another',
  needs: ['Xvfb', 'x11vnc'],
  start: async (stage, is) => {
    const [one, other] = [await startScreen(stage), await startScreen(stage, { size: '800x600x24' })];
    const desks = new Map([
      ['one', await startX11vnc(stage, { display: one.display })],
      ['other', await startX11vnc(stage, { display: other.display })],
    ]);
    const relay = await startRelay(stage, ({ url = '', headers }) => {
      const id = new URL(url, 'http://relay').searchParams.get('token') ?? '';
      const remembered = /desk=(\w+)/.exec(headers.cookie ?? '')?.[1];
      return { to: desks.get(is === 'broken' ? (remembered ?? id) : id)! };
    });
    const rfb = `127.0.0.1:${desks.get('other')!.port}`;
    return {
      flags: ['--url', `${relay.url}?token=other`, '--header', 'Cookie: desk=one', '--rfb', rfb].concat([
        '--duration',
        '3s',
      ]),
    };
  },
};
