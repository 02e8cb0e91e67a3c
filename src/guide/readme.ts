import { ROUTES } from '../topology/index.js';
import { bringingUp, trouble } from './checklists.js';
import type { GuideSubject } from './subject.js';
import { walkthrough } from './walkthrough.js';
import { blockOf, spanOf, tableOf } from './words.js';

/** README.md: the parts, one connection step by step, and what to look at when it does not come up. */
export function readmePage(subject: GuideSubject): string {
  return `# noVNC traffic guide

<!-- Rendered from camofleet.yaml by \`camofleet render --guide\`. Do not edit. -->

How a picture travels from a remote browser to the one who watches it, hop by hop: which part listens where, what each does with the
bytes, which clock runs, and what to look at when the viewer says *disconnected*. Ten minutes, top to bottom.

${blockOf('text', pathPicture(subject))}

${tableOf(['page', 'what it answers'], [...PAGES, ...(subject.isProject ? PROJECT_PAGES : [])])}

## Component map

${partsTable(subject)}

The runner owns the truth about its sessions. Control caches it and hands out links. The gateway keeps no list at all: what it must know
of a session travels in the token, sealed. So gateways can be many, and any of them can serve any link.

${walkthrough(subject)}
${bringingUp(subject)}
${trouble(subject)}
`;
}

const PAGES = [
  ['[flow.mmd](flow.mmd)', 'In which order? One session from the first click to the last byte, as a sequence diagram'],
  [
    '[routes.csv](routes.csv)',
    'Who listens where? Every route, public and internal: host, path, port, who may use it, which clock runs',
  ],
  [
    '[reverse-proxy.md](reverse-proxy.md)',
    'How do I put a proxy there? Whole configurations for Traefik, nginx, HAProxy and Caddy, each proved by a test',
  ],
  ['[env.md](env.md)', 'What can be set? Every setting of every service, and what this fleet sets'],
] as const;

const PROJECT_PAGES = [
  ['[code-snippets.md](code-snippets.md)', 'Where is that in the code? The decisive lines of each hop'],
  ['[repo-inventory.txt](repo-inventory.txt)', 'What lies where in this repository?'],
  [
    '[artifacts/novnc](../../artifacts/novnc/README.md)',
    'What does it look like when it works? Access log, gateway log and packets of a verified run, and how to read them',
  ],
] as const;

function pathPicture({ topology }: GuideSubject): string {
  const { public: site, gateway, control, runner } = topology;
  return `browser (noVNC) ──wss :${site.port}──> Traefik ──ws :${gateway.port}──> gateway ──RFB :${spanOf(runner.rfbPorts)}──> x11vnc ── Xvfb ── remote browser
       └───────https :${site.port}──> Traefik ──http :${control.port}──> control ──http :${runner.port}──> runner, which owns the last three`;
}

function partsTable({ topology, placement }: GuideSubject): string {
  const { public: site, gateway, control, runner } = topology;
  const { viewerPrefix, socketPath, apiPrefix, uiPrefix } = ROUTES;
  const at = (host: string, port: number | string): string => `\`${host}:${port}\``;
  return tableOf(
    ['part', 'what it does', 'listens', 'reached from'],
    [
      ['Viewer', 'The noVNC page in a browser. It knows a link, never a password.', '', ''],
      [
        'Traefik',
        [
          'Entry point `websecure`: ends TLS, routes',
          `\`${viewerPrefix}\`, \`${socketPath}\`, \`${apiPrefix}\`, \`${uiPrefix}\` and \`/\`, and nothing else.`,
        ].join(' '),
        `\`${placement.ingress.address}\``,
        `the world, as ${at(site.host, site.port)}`,
      ],
      [
        'Gateway',
        'Opens the token, dials x11vnc, answers its password, and only then says 101. Relays, pings, ends with one cause.',
        at(placement.dial.gateway, gateway.port),
        'Traefik',
      ],
      [
        'Control',
        'The API and the fleet page. Chooses a runner, seals tokens, tells gateways what ended.',
        `${at(placement.dial.control, control.port)}, internal \`:${control.internalPort}\``,
        'Traefik; inside: gateways, and Traefik where it asks which there are',
      ],
      [
        'Runner',
        'Makes a session: display, x11vnc, browser, a password of its own. Releases all four together.',
        at(placement.dial.runner, runner.port),
        'control',
      ],
      [
        'x11vnc',
        'Speaks RFB for one display.',
        at(placement.rfb.advertise, spanOf(runner.rfbPorts)),
        'gateways; its own runner, to see that it answers',
      ],
    ],
  );
}
