import { ROUTES, renderTraefik } from '../topology/index.js';
import { SOCKET_HOURS, caddyExtract, haproxyExtract, haproxyPem, nginxExtract } from './proxies/index.js';
import type { GuideSubject } from './subject.js';
import { blockOf, tableOf, timeOf } from './words.js';

/** Who the page is for, in a sentence, and what all four proxies must do. */
export function reverseProxyPage(subject: GuideSubject): string {
  const { topology } = subject;
  const { host, port } = topology.public;
  return `# Reverse proxies

<!-- Rendered from camofleet.yaml by \`camofleet render --guide\`. Do not edit. -->

Four ways to bring \`https://${host}:${port}/\` to the gateway and the control plane. Traefik is what camofleet renders and runs; nginx,
HAProxy and Caddy do the same in its place. Each block below is a whole, working configuration for this fleet, not a sketch.
The project's tests cut these blocks out of this page, start the real program with them, and hold a still screen through it for
120 s with not one byte in either direction, pings off; then the screen must still answer.

## What a proxy must do, whichever it is

${tableOf(
  ['rule', 'why', 'when it is broken'],
  [
    [
      'Speak HTTP/1.1 to browsers on this host, or pass extended CONNECT on',
      'A WebSocket is an HTTP/1.1 upgrade; over HTTP/2 it needs RFC 8441, which few proxies translate.',
      '`CF-TRAEFIK-H2`, 400 or a page that never connects',
    ],
    [
      'Pass `Upgrade`, `Connection` and `Sec-WebSocket-*` on',
      'They are hop-by-hop: a proxy drops them unless told.',
      '`CF-EDGE-UPGRADE`: 426 or 400',
    ],
    [
      'Keep `Host` as the browser sent it, with its port',
      'The gateway compares `Origin` with it, so that foreign pages open nothing.',
      '`CF-GATEWAY-ORIGIN`: 403',
    ],
    [
      `Strip \`${ROUTES.apiPrefix}\` or leave it; strip nothing else`,
      `The viewer page lives under \`${ROUTES.viewerPrefix}\` at the gateway too. (A proxy that strips \`${ROUTES.viewerPrefix}{id}\` works as well, if it sets \`X-Forwarded-Prefix\`.)`,
      '404, or a page without its scripts',
    ],
    [
      'Let a quiet socket live',
      `A still screen sends nothing. The gateway pings ${pings(subject)}; a timer of the proxy must be three times that, or hours.`,
      '`CF-EDGE-IDLE`: cut after the same silence, again and again',
    ],
    [
      'Overwrite `X-Forwarded-*`',
      'The gateway believes them from the proxy, so strangers must not write them.',
      'wrong addresses in the log, and in the limit of failed attempts',
    ],
    [
      'Write no query to a log',
      `It holds the token: \`${ROUTES.socketPath}?token=…\`.`,
      'whoever reads the log can watch',
    ],
    [
      'Log `Sec-WebSocket-Key`',
      'It passes unchanged and is the only id that browser, proxy and gateway share.',
      'three logs that nobody can join',
    ],
    ['Open no other path', 'Health, metrics and administration stay inside.', ''],
  ],
)}

## Clocks

What each program does to an open socket that is silent, and to all sockets when it reads its configuration anew.

${tableOf(
  ['program', 'ends a quiet socket after', 'set here', 'reload', 'stop'],
  [
    [
      'Traefik 3.7',
      'never: no option does',
      '–',
      'sockets live',
      `cut ${timeOf(topology.ingress.graceTimeoutMs)} after SIGTERM (\`lifeCycle.graceTimeOut\`)`,
    ],
    [
      'nginx',
      '`proxy_read_timeout`, `proxy_send_timeout`: 60 s',
      `${SOCKET_HOURS} h`,
      'the old worker keeps them, until `worker_shutdown_timeout`',
      'cut at once by SIGTERM; SIGQUIT waits for them',
    ],
    [
      'HAProxy',
      '`timeout tunnel`; without it `timeout client` and `timeout server`',
      `${SOCKET_HOURS} h`,
      'the old process keeps them, until `hard-stop-after`',
      'cut at once by SIGTERM; SIGUSR1 waits for them',
    ],
    ['Caddy', 'never', '–', '**cut**, unless `stream_close_delay` (2.7 and later) gives them time', 'cut'],
  ],
)}

## Traefik

What \`camofleet render\` writes, in two files. The static one is read once:

${blockOf('yaml', traefikOf(subject).static, 'traefik.yaml')}

The dynamic one is watched; a change of it ends no open socket:

${blockOf('yaml', traefikOf(subject).dynamic, 'dynamic/camofleet.yaml')}

A line of the access log appears when a socket **ends**, with status 0 and its lifetime as \`Duration\` (nanoseconds). A session that is
open has no line yet; a filter on status codes that leaves 0 out hides them all.

## nginx

${blockOf('nginx', nginxExtract(subject), 'camofleet.conf')}

nginx looks names up once, when it starts, and does not start while one is unknown: start the services first, or give it a
\`resolver\` and variables in \`proxy_pass\`.

## HAProxy

HAProxy wants chain and key in one file:

${blockOf('sh', haproxyPem(subject), 'haproxy.pem')}

${blockOf('haproxy', haproxyExtract(subject), 'haproxy.cfg')}

In its log a session that was cut by \`timeout tunnel\` ends with the letters \`sD\` or \`cD\`, one that a viewer closed with \`--\` or \`CD\`.

## Caddy

${blockOf('caddyfile', caddyExtract(subject), 'Caddyfile')}

Caddy names itself in \`Server\` and \`Via\` and sets \`X-Forwarded-*\` anew by itself. A block that is imported takes its argument as
\`{args.0}\`; from 2.7 on \`{args[0]}\` is the newer spelling.

## In front of Traefik

Where one of them stands before Traefik, it needs less: pass everything to \`https://\` the entry point, keep \`Host\`, and strip nothing
(Traefik takes \`${ROUTES.apiPrefix}\` away itself). Then tell the fleet about it in camofleet.yaml:

${blockOf(
  'yaml',
  `ingress:
  # Its address, so that what it says of the viewer is believed.
  trustedProxies: [192.0.2.10]
edge:
  # Its idle timer, so that pings are checked against it.
  - { name: nginx, idleTimeoutMs: 60000 }`,
)}

\`camofleet render --check\` fails when a ping comes too seldom for a timer on this list; \`camofleet verify --find-idle\` measures the timer
when nobody knows it.
`;
}

function pings({ topology }: GuideSubject): string {
  const { pingIntervalMs } = topology.gateway;
  return pingIntervalMs === 0 ? 'are off here' : `every ${timeOf(pingIntervalMs)}`;
}

function traefikOf({ topology, placement, templates }: GuideSubject): { static: string; dynamic: string } {
  return renderTraefik(topology, placement, templates);
}
