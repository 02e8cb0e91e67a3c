import type { Fault, Given, Need } from '../fault.js';
import { TLS_ENTRY, makeCertificates, tlsOf } from '../parts/certificates.js';
import { startScreen, startX11vnc } from '../parts/display.js';
import { startGateway } from '../parts/gateway.js';
import { nginxTo, routesTo, startHaproxy, startNginx, startTraefik } from '../parts/proxies.js';
import { openSlowLink } from '../parts/slow-link.js';
import { lookOnce } from '../parts/viewer.js';
import { startWebsockify } from '../parts/websockify.js';
import type { Stage } from '../stage.js';
import { type Front, type Screen, type SetUp, wordsOf } from './set-up.js';

const NEEDS: Readonly<Record<Front | Screen | 'websockify' | 'slow-link', readonly Need[]>> = {
  none: [],
  traefik: ['traefik'],
  'traefik-tls': ['traefik'],
  nginx: ['nginx'],
  haproxy: ['haproxy'],
  'nginx-traefik': ['nginx', 'traefik'],
  x11vnc: ['Xvfb', 'x11vnc'],
  'x11vnc-moving': ['Xvfb', 'x11vnc', 'xsetroot'],
  Xtigervnc: ['Xtigervnc'],
  websockify: ['websockify'],
  'slow-link': ['root', 'ip', 'tc'],
};
/** Two programs that do nothing, as fast as they can. */
const BUSY = { count: 2, args: ['-c', 'while :; do :; done'] };

/** A path on which nothing is broken, as the lab plays it. */
export function healthyPath(setUp: SetUp, number: number): Fault {
  const { front, relay, screen, weather } = setUp;
  return {
    id: `H${String(number).padStart(3, '0')}`,
    title: wordsOf(setUp),
    needs: [
      ...NEEDS[front],
      ...NEEDS[screen],
      ...(relay === 'websockify' ? NEEDS.websockify : []),
      ...(weather === 'slow-link' ? NEEDS['slow-link'] : []),
    ],
    start: (stage) => start(setUp, stage),
  };
}

async function start({ front, relay, screen, weather, sight }: SetUp, stage: Stage): Promise<Given> {
  const namespace = weather === 'slow-link' ? await openSlowLink(stage) : undefined;
  const where = namespace === undefined ? {} : { namespace };
  const rfbPort = await startRfb(stage, screen, where);
  const relayed = await startRelay(stage, relay, rfbPort, where);
  const shown = await startFront(stage, front, relayed, where);
  if (weather === 'busy')
    for (let index = 0; index < BUSY.count; index += 1) await stage.start({ program: 'bash', args: BUSY.args });
  const inside = [
    ...['--rfb', `127.0.0.1:${rfbPort}`, '--gateway', `ws://127.0.0.1:${relayed.port}${relayed.path}`],
    ...(relayed.log === undefined ? [] : ['--gateway-log', relayed.log]),
    ...(shown.accessLog === undefined ? [] : ['--traefik-log', shown.accessLog]),
  ];
  return {
    flags: ['--url', shown.url, ...shown.flags, ...(sight === 'inside' ? inside : []), '--duration', '4s'],
    ...where,
    ...(weather === 'leaving' && { meanwhile: (signal: AbortSignal) => comeAndGo(rfbPort, signal) }),
  };
}

interface Where {
  readonly namespace?: string;
}

async function startRfb(stage: Stage, screen: Screen, where: Where): Promise<number> {
  if (screen === 'Xtigervnc') return startXtigervnc(stage, where);
  const { display } = await startScreen(stage, { moving: screen === 'x11vnc-moving', ...where });
  return (await startX11vnc(stage, { display, ...where })).port;
}

async function startXtigervnc(stage: Stage, { namespace }: Where): Promise<number> {
  const port = await stage.port();
  const display = `:${port}`;
  const args = [display, '-geometry', '640x480', '-depth', '24', '-rfbport', String(port), '-SecurityTypes', 'None'];
  await stage.start({ program: 'Xtigervnc', args: [...args, '-localhost', '-AlwaysShared'], port, namespace });
  return port;
}

interface Relayed {
  readonly port: number;
  readonly path: string;
  readonly log?: string;
}

async function startRelay(stage: Stage, relay: SetUp['relay'], rfbPort: number, where: Where): Promise<Relayed> {
  if (relay === 'gateway') return startGateway(stage, { rfb: { port: rfbPort }, ...where });
  const { port } = await startWebsockify(stage, { to: `127.0.0.1:${rfbPort}`, ...where });
  return { port, path: '/websockify' };
}

interface Shown {
  readonly url: string;
  readonly flags: readonly string[];
  readonly accessLog?: string;
}

async function startFront(stage: Stage, front: Front, { port, path }: Relayed, where: Where): Promise<Shown> {
  const shown = (on: number, more: Partial<Shown> = {}): Shown => ({
    url: `ws://127.0.0.1:${on}${path}`,
    flags: [],
    ...more,
  });
  const dynamic = routesTo(`http://127.0.0.1:${port}`);
  switch (front) {
    case 'none':
      return shown(port);
    case 'traefik': {
      const traefik = await startTraefik(stage, { dynamic, routed: 'http', ...where });
      return shown(traefik.port, { accessLog: traefik.accessLog });
    }
    case 'traefik-tls': {
      const files = await makeCertificates(stage, ['localhost']);
      const secured = { ...dynamic, ...tlsOf(files) };
      const traefik = await startTraefik(stage, { static: TLS_ENTRY, dynamic: secured, routed: 'https', ...where });
      const url = `wss://localhost:${traefik.port}${path}`;
      return { url, flags: ['--ca', files.ca], accessLog: traefik.accessLog };
    }
    case 'nginx':
      return shown((await startNginx(stage, { http: (own) => nginxTo(own, port), ...where })).port);
    case 'haproxy':
      return shown((await startHaproxy(stage, { sections: (own) => haproxyTo(own, port), ...where })).port);
    case 'nginx-traefik': {
      const traefik = await startTraefik(stage, { dynamic, routed: 'http', ...where });
      const nginx = await startNginx(stage, { http: (own) => nginxTo(own, traefik.port), ...where });
      return shown(nginx.port, { accessLog: traefik.accessLog });
    }
  }
}

function haproxyTo(own: number, port: number): string {
  return `defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
  timeout tunnel 1h
frontend public
  bind 127.0.0.1:${own}
  default_backend relay
backend relay
  server one 127.0.0.1:${port}`;
}

/** Other viewers of the same screen, each of which leaves when it has seen it. */
async function comeAndGo(rfbPort: number, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await lookOnce(rfbPort, signal);
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
}
