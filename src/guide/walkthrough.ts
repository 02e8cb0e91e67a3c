import { ROUTES, publicOrigin } from '../topology/index.js';
import { CLOSE_CODES } from './ends.js';
import type { GuideSubject } from './subject.js';
import { blockOf, spanOf, tableOf, timeOf } from './words.js';

/** One connection from the click that makes a session to the line that its end writes, in eight steps. */
export function walkthrough(subject: GuideSubject): string {
  return `## One connection, from click to pixel

Follow it in the [sequence diagram](flow.mmd); the numbers are those of this fleet.

${[theSession(subject), theLink(subject), theDecision(subject), thePicture(subject), theEnd(subject)].join('\n\n')}
`;
}

/** As it may look: not a session of anybody. */
const SOME_ID = 'XyMSxNBprhPF';
const SOME_KEY = 'Q5BQY8MPWT6/7A0IoHYSMQ==';

function theSession({ topology }: GuideSubject): string {
  const { runner } = topology;
  const origin = publicOrigin(topology);
  return `**1. A session is made.** The fleet page, or a program with the operator key, sends \`POST ${ROUTES.apiPrefix}/sessions\`. Control picks a
runner. The runner takes a slot: a display from \`:${runner.displays.min}\` on, a port of ${spanOf(runner.rfbPorts)}, a random password. It starts Xvfb, x11vnc
and the browser, and answers when it has itself dialled that port, shown the password and read ServerInit. Control seals target
and password into a token, and answers with two links:

${blockOf(
  'json',
  `"vnc": {
  "http": "${origin}${ROUTES.viewerPrefix}${SOME_ID}#token=eyJ…",
  "ws": "${origin.replace(/^https/, 'wss')}${ROUTES.socketPath}?token=eyJ…"
}`,
)}`;
}

function theLink({ topology }: GuideSubject): string {
  const { ingress } = topology;
  const origin = publicOrigin(topology);
  return `**2. The page loads.** \`GET ${ROUTES.viewerPrefix}${SOME_ID}\` brings noVNC. What stands behind \`#\` is never sent: no log between here and there
sees the token. The page takes it out of the address bar at once.

**3. The browser asks for a socket.** Now the token is in the query, which is why no access log may keep the query:

${blockOf(
  'http',
  `GET ${ROUTES.socketPath}?token=eyJ… HTTP/1.1
Host: ${new URL(origin).host}
Origin: ${origin}
Upgrade: websocket
Connection: Upgrade
Sec-WebSocket-Version: 13
Sec-WebSocket-Key: ${SOME_KEY}`,
)}

Remember that key. It passes through every proxy unchanged, and stands in Traefik's line and in the gateway's: **it is how three logs
become one story.**

**4. Traefik ends TLS** and passes the request on as plain HTTP/1.1. The gateway has ${timeOf(ingress.dialTimeoutMs)} to take the connection and ${timeOf(ingress.responseHeaderTimeoutMs)} to
answer. After the answer no clock of Traefik touches the socket, however long it is quiet.`;
}

function theDecision({ topology }: GuideSubject): string {
  const { connectTimeoutMs, greetingTimeoutMs } = topology.gateway;
  return `**5. The gateway decides, before it answers.** Is \`Origin\` ours? Is there a place? Does the token open, is it of this fleet, not expired,
its target allowed? Then it dials x11vnc (${timeOf(connectTimeoutMs)}), reads the greeting and answers the password (${timeOf(greetingTimeoutMs)}). What fails until
here is an HTTP status with a reason in JSON, which a viewer can show and a log can count:

${tableOf(['status', 'what it says'], REFUSALS)}`;
}

const REFUSALS = [
  ['400', 'no token, or characters that no token has'],
  ['401', 'the token does not open: altered, expired, of another fleet'],
  ['403', '`Origin` is not ours, the right was taken back, or the target is not allowed'],
  ['404', 'no such path; no such open identity'],
  ['410', 'the session has ended'],
  ['426', 'the path exists as a socket only, and `Upgrade` did not arrive'],
  ['429', 'too many failed attempts from this address'],
  ['502', 'x11vnc refused, reset, or does not speak RFB'],
  ['503', 'no place, or the gateway is being replaced; `Retry-After` says when'],
  ['504', 'x11vnc did not answer, or did not greet, in time'],
] as const;

function thePicture({ topology }: GuideSubject): string {
  const { gateway, runner, control } = topology;
  const idle =
    runner.idleTtlSeconds === 0
      ? 'here no session idles out'
      : `one that nobody watches does, after ${timeOf(runner.idleTtlSeconds * 1_000)}`;
  return `**6. 101, and the picture.** The gateway greets the viewer in RFB itself and offers security type None: the password has been answered,
and no viewer ever learns it. From ServerInit on the bytes of x11vnc are passed on as they come. noVNC asks for a first whole frame,
and there it is.

**7. While it is open**, these clocks run:

${tableOf(
  ['clock', 'is set anew by', 'and ends it as'],
  [
    gateway.pingIntervalMs === 0
      ? [timeOf(gateway.idleTimeoutMs), 'any byte, either way (pings are off)', '`idle`, 4408']
      : [
          `ping every ${timeOf(gateway.pingIntervalMs)}, ${timeOf(gateway.readTimeoutMs)} of patience`,
          'a pong, or any byte of the viewer; browsers answer pings by themselves',
          '`viewer_lost`',
        ],
    [timeOf(gateway.writeTimeoutMs), 'any byte that the viewer takes while some wait for it', '`slow_viewer`, 4413'],
  ],
)}

A screen that stands still for a week is not idle. Every 10 s the gateway tells control who watches, so that a watched session never
idles out; ${idle}. A token opens sockets for ${timeOf(control.tokenTtlSeconds * 1_000)}; an open socket outlives it, and its page has it renewed.`;
}

function theEnd({ isProject }: GuideSubject): string {
  const codes = CLOSE_CODES.map(([code, cause, meaning]) => [String(code), `\`${cause}\``, meaning]);
  const more = isProject
    ? '\n\nHow an end looks in the logs and on the wire: [artifacts/novnc](../../artifacts/novnc/README.md).'
    : '';
  return `**8. The end.** Exactly one cause, one close code, one line \`session.closed\` in the gateway's log. Only now does Traefik write its line:
status 0, the lifetime as \`Duration\`, the key from step 3.

${tableOf(
  ['close code', 'cause', 'what it means'],
  [
    ['1000, 1001', '`viewer_closed`', 'The viewer left.'],
    ...codes,
    [
      '1006',
      '`viewer_lost`, or none',
      'The browser saw no close frame. Where the gateway says `viewer_lost`, somebody between the two cut the socket.',
    ],
  ],
)}${more}`;
}
