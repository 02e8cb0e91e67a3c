import { ROUTES, type Topology, publicOrigin, renderTraefik } from '../topology/index.js';
import { SOCKET_HOURS, caddyExtract, haproxyExtract, haproxyPem, nginxExtract } from './proxies/index.js';
import type { GuideSubject } from './subject.js';
import { blockOf, tableOf, timeOf } from './words.js';

/** Who the page is for, in a sentence, and what all four proxies must do. */
export function reverseProxyPage(subject: GuideSubject): string {
  const { topology } = subject;
  return `# Reverse proxies

<!-- Rendered from camofleet.yaml by \`camofleet render --guide\`. Do not edit. -->

Four ways to bring \`${publicOrigin(topology)}\` to the gateway and the control plane. Traefik is what camofleet renders and runs;
nginx, HAProxy and Caddy do the same in its place. Each block is a whole, working configuration for this fleet, not a sketch: the
project's tests cut the blocks out of this page, start the real programs with them, and hold a still screen through all four for 120 s,
without pings and without one byte in either direction. Then the screen must still answer.

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
      '`CF-EDGE-UPGRADE`: 200 `{"ready":true}`, or 426',
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

What ends an open socket that is quiet, and what becomes of open sockets when the program reads its configuration anew or is stopped.
Measured with Traefik 3.7, nginx 1.22, HAProxy 2.6 and Caddy 2.6:

${tableOf(['', 'ends a quiet socket after', 'here', 'reload', 'stop'], clocksOf(topology))}

A reload of Caddy is worth a second look: viewers hear 1001, as if they had left by themselves, and the gateway hears a close frame that is
not masked, which no browser sends; it logs \`protocol_error\`. From 2.7 on \`stream_close_delay 12h\` within \`reverse_proxy\` lets open
sockets outlive a reload.

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

In its log the two letters before the counters tell who ended a socket: \`cD\` and \`sD\` are \`timeout tunnel\`, \`--\` is a viewer who left.

## Caddy

${blockOf('caddyfile', caddyExtract(subject), 'Caddyfile')}

Caddy sets \`X-Forwarded-*\` anew by itself, and no word about upgrades is needed. Without \`tls\` it asks an authority for a certificate.

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

function clocksOf({ ingress }: Topology): readonly (readonly string[])[] {
  const own = `${SOCKET_HOURS} h`;
  return [
    [
      'Traefik',
      'nothing does',
      '',
      'sockets live',
      `cut ${timeOf(ingress.graceTimeoutMs)} after SIGTERM (\`lifeCycle.graceTimeOut\`)`,
    ],
    [
      'nginx',
      '60 s: `proxy_read_timeout`, `proxy_send_timeout`',
      own,
      'sockets live in the old worker, until `worker_shutdown_timeout`',
      'cut at once by SIGTERM; SIGQUIT waits for them',
    ],
    [
      'HAProxy',
      '`timeout tunnel`; without it `timeout client` and `timeout server`',
      own,
      'sockets live in the old process, until `hard-stop-after`',
      'cut at once by SIGTERM; SIGUSR1 waits for them',
    ],
    ['Caddy', 'nothing does', '', '**sockets are cut**', 'cut at once'],
  ];
}

function pings({ topology }: GuideSubject): string {
  const { pingIntervalMs } = topology.gateway;
  return pingIntervalMs === 0 ? 'are off here' : `every ${timeOf(pingIntervalMs)}`;
}

function traefikOf({ topology, placement, templates }: GuideSubject): { static: string; dynamic: string } {
  return renderTraefik(topology, placement, templates);
}
