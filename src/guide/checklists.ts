import { ROUTES, publicOrigin } from '../topology/index.js';
import type { GuideSubject } from './subject.js';
import { blockOf, tableOf, timeOf } from './words.js';

/** What to try from outside in, and what it must say. Each line is a command that can be copied. */
export function bringingUp({ topology }: GuideSubject): string {
  const origin = publicOrigin(topology);
  const { host } = topology.public;
  const authority =
    topology.tls.mode === 'throwaway'
      ? ' The certificate is a throw-away one: give curl `--cacert .camofleet/pki/ca.pem` as well.'
      : '';
  const handshake = blockOf(
    'sh',
    `curl -sS --http1.1 -i -H 'Upgrade: websocket' -H 'Connection: Upgrade' -H 'Sec-WebSocket-Version: 13' \\
  -H 'Sec-WebSocket-Key: Q5BQY8MPWT6/7A0IoHYSMQ==' '${origin}${ROUTES.viewerPrefix}x${ROUTES.socketPath}'`,
  );
  return `## Checklist: bringing it up

\`camofleet verify\` does all of this and more, and names the hop that fails. By hand, from outside in; each line proves all before it.${authority}

1. **Name, port, certificate.** \`curl -sS -o /dev/null -w '%{http_code} %{remote_ip}\\n' ${origin}/\` says \`302\` and the
   address that you expect.
2. **API.** \`curl -sS ${origin}${ROUTES.apiPrefix}/health\` says \`{"status":"ok"}\`: \`${ROUTES.apiPrefix}\` is stripped, control answers.
3. **Gateway.** \`curl -sS '${origin}${ROUTES.socketPath}?token=x'\` says **401** and \`token_invalid\`. A refusal in JSON is good
   news: it came from the gateway, so name, TLS and route are right. HTML or plain text came from somebody else.
4. **Upgrade.** A handshake at a path that exists as a socket only. **404** and \`unknown_id\`: \`Upgrade\` has arrived. **426**: a proxy on
   the way took it off.

${indented(handshake)}

5. **Page.** Open a session from \`${origin}${ROUTES.uiPrefix}/\`. In the browser's network panel the socket says 101, and its
   *Messages* begin with \`RFB 003.008\`.
6. **An hour.** Leave it alone on a still screen. \`camofleet verify --duration 1h\` does that with many streams at once, and tells any
   clock on the way. A cut after 60 or 100 s is a proxy or CDN before ${host}: [clocks](reverse-proxy.md#clocks).
`;
}

/** As part of an item of a numbered list. */
function indented(block: string): string {
  return block
    .split('\n')
    .map((line) => `   ${line}`)
    .join('\n');
}

/** What people see, where they look, and what it mostly is. */
export function trouble(subject: GuideSubject): string {
  return `## Checklist: trouble

Three logs, one key: take the viewer's \`Sec-WebSocket-Key\` (network panel, request headers) and find it in Traefik's access log as
\`request_Sec-Websocket-Key\`, in the gateway's as \`wsKey\`.

${tableOf(['seen', 'look at', 'most likely', 'more'], rowsOf(subject))}

\`camofleet verify\` tells these apart by evidence, with the packet or the line that shows it; \`camofleet explain CODE\` prints a page for
each code, offline.`;
}

function rowsOf({ topology, isProject }: GuideSubject): readonly (readonly string[])[] {
  const page = (code: string): string => (isProject ? `[${code}](../codes/${code}.md)` : `\`${code}\``);
  const { pingIntervalMs } = topology.gateway;
  const pings = pingIntervalMs === 0 ? 'they are off' : `they come every ${timeOf(pingIntervalMs)}`;
  return [
    [
      '404 in plain text, everywhere',
      "Traefik's line: has it a `RouterName`?",
      'No router took it: a wrong path, or a rule that did not load',
      page('CF-TRAEFIK-ROUTE'),
    ],
    [
      '200 `{"ready":true}` or 426 on the socket',
      'step 4 again, at the gateway itself',
      'A proxy takes `Upgrade` off',
      page('CF-EDGE-UPGRADE'),
    ],
    [
      '403 on the socket alone',
      '`Host` and `Origin` as they reach the gateway',
      'A proxy rewrites `Host`, or the page lives elsewhere: `gateway.allowedOrigins`',
      page('CF-GATEWAY-ORIGIN'),
    ],
    [
      '401 with a fresh link',
      'the `code` in the JSON',
      '`token_expired`: clocks; `token_invalid`: two key files; `token_foreign`: two fleets',
      page('CF-GATEWAY-TOKEN'),
    ],
    [
      '502 on the socket, the page is fine',
      "the gateway's `session.refused`",
      'x11vnc is gone, or not where the token leads',
      page('CF-GATEWAY-DIAL'),
    ],
    [
      '504',
      '`runner_timeout` or `greeting_timeout`?',
      'Packets are dropped; or x11vnc hangs',
      page('CF-NETWORK-BLOCKED'),
    ],
    [
      'it connects, and stays black',
      'does the browser of the session live?',
      'A healthy stream of an empty screen',
      page('CF-RUNNER-EMPTY'),
    ],
    [
      'cut after the same silence, every time',
      'does a moving screen live longer?',
      `An idle timer; pings must come three times as often, and ${pings}`,
      page('CF-EDGE-IDLE'),
    ],
    [
      'all cut in one moment',
      'restarts and reloads at that time',
      'A proxy was reloaded or replaced',
      page('CF-EDGE-RELOAD'),
    ],
    [
      '4413, again and again',
      '`pingP99Ms` in `session.closed`',
      "The viewer's line does not carry the picture",
      page('CF-RUNNER-SLOW'),
    ],
    [
      "no line in Traefik's log",
      'is the session still open?',
      'The line comes at the end; or a filter on status codes hides 0',
      page('CF-TRAEFIK-LOG'),
    ],
  ];
}
