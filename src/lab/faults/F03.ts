import { startDesk } from '../parts/desk.js';
import { startNginx, startTraefik } from '../parts/proxies.js';
import type { Fault } from '../fault.js';

const page = (script: string): string =>
  `<!doctype html><title>viewer</title><script type="module" src="${script}"></script><div id="screen"></div>`;

/** The page links its script from the root, Traefik routes only its folder to it: the catch-all answers with the UI. */
export const F03: Fault = {
  id: 'F03',
  title: 'the script of the page is answered with the page of the UI',
  needs: ['traefik', 'nginx', 'Xvfb', 'x11vnc'],
  start: async (stage, is) => {
    const { gateway } = await startDesk(stage);
    const script = is === 'broken' ? '/static/viewer.js' : 'static/viewer.js';
    const web = await startNginx(stage, {
      http: (port) => `server {
    listen 127.0.0.1:${port};
    location = /static/viewer.js { default_type text/javascript; return 200 'export const viewer = true;'; }
    location = / { default_type text/html; return 200 '${page(script)}'; }
  }`,
    });
    const ui = await startNginx(stage, {
      http: (port) => `server {
    listen 127.0.0.1:${port};
    default_type text/html;
    location / { return 200 '<!doctype html><title>fleet</title>'; }
  }`,
    });
    const service = (port: number) => ({ loadBalancer: { servers: [{ url: `http://127.0.0.1:${port}` }] } });
    const folder = '/vnc/desk/';
    const traefik = await startTraefik(stage, {
      dynamic: {
        http: {
          routers: {
            socket: { rule: `Path(\`${gateway.path}\`)`, entryPoints: ['web'], service: 'gateway' },
            page: { rule: `PathPrefix(\`${folder}\`)`, entryPoints: ['web'], service: 'page', middlewares: ['strip'] },
            ui: { rule: 'PathPrefix(`/`)', entryPoints: ['web'], service: 'ui' },
          },
          middlewares: { strip: { stripPrefix: { prefixes: [folder.slice(0, -1)] } } },
          services: { gateway: service(gateway.port), page: service(web.port), ui: service(ui.port) },
        },
      },
    });
    const at = `127.0.0.1:${traefik.port}`;
    return { flags: ['--url', `ws://${at}${gateway.path}`, '--page', `http://${at}${folder}`, '--duration', '3s'] };
  },
};
