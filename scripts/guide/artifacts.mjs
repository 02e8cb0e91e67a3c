import { execFileSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** artifacts/novnc/README.md: what is in the three files, and how to read it. Numbers are counted in the files. */
export function artifactsPage({ folder, report, said, ports, versions }) {
  const { opened, closed, traefik } = longestStream(folder);
  const size = (name) => `${Math.round(statSync(join(folder, name)).size / 1_000)} kB`;
  const programs = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  const rows = filtersOf(ports, opened.wsKey).map(({ filter, shows }) => [
    `\`${filter}\``,
    String(packets(join(folder, 'vnc.tcpdump.pcap'), ports, filter)),
    shows,
  ]);
  const seconds = Math.round(closed.durationMs / 1_000);
  return `# A verified run

<!-- Written by \`npm run guide:artifacts\`, with the files beside it. Do not edit. -->

Evidence that \`camofleet verify\` kept of one healthy fleet, ${report.startedAt.slice(0, 10)}: ${programs.join(', ')}, on loopback. It shows what the
[traffic guide](../../docs/novnc/README.md) tells. Nobody's secrets are in it: tokens, passwords, headers that name people, and every pixel
were taken out [before the files were written](../../docs/adr/0005-captures-are-redacted-before-the-disk.md).

${table(
  ['file', 'what', ''],
  [
    [
      '[traefik-access.log](traefik-access.log)',
      'a JSON line for each request and socket that ended, from Traefik',
      size('traefik-access.log'),
    ],
    [
      '[websockify.log](websockify.log)',
      'JSON lines of the gateway: `session.opened`, `session.closed`',
      size('websockify.log'),
    ],
    ['vnc.tcpdump.pcap', 'packets between viewer, Traefik, gateway and x11vnc', size('vnc.tcpdump.pcap')],
  ],
)}

## What verify said

\`\`\`text
${said.trim()}
\`\`\`

## One stream, three files

The longest stream of the run, found in all three by its \`Sec-WebSocket-Key\`. The gateway opened it, having dialled x11vnc in ${opened.dialMs} ms
and answered its password in ${opened.greetingMs} ms:

\`\`\`json
${JSON.stringify(opened, undefined, 2)}
\`\`\`

${seconds} s later the viewer left. In that time it sent ${closed.bytesUp} bytes and got ${closed.bytesDown}; the screen stood still for ${(closed.longestSilenceMs / 1_000).toFixed(1)} s
of it without a byte of picture, and pings kept it:

\`\`\`json
${JSON.stringify(closed, undefined, 2)}
\`\`\`

Then, and only then, Traefik wrote its line (fields that are the same in every line are left out). Status 0 and size 0 are not an
error: that is how Traefik tells of a socket. \`Duration\` is in nanoseconds:

\`\`\`json
${JSON.stringify(traefik, undefined, 2)}
\`\`\`

## The packets

The viewer's leg is TLS: of its records only the headers were kept. Behind Traefik everything is in the clear, up to ServerInit; what
follows is cut, so that lengths and times remain and pictures do not. \`x\` stands for a byte that was masked.

Tell tshark or Wireshark which port is what:

\`\`\`sh
tshark -r vnc.tcpdump.pcap ${decodings(ports).join(' ')} -Y FILTER
\`\`\`

${table(['filter', 'packets', 'shows'], rows)}

## Do it again

\`npm run guide:artifacts\` on Linux, with Traefik, Xvfb, x11vnc, tcpdump and tshark, and the right to capture. It keeps nothing of a run that
did not pass, or in which a scan for secrets finds something.
`;
}

/** What is worth a look, as Wireshark writes it. */
export function filtersOf({ viewer, gateway, rfb }, wsKey) {
  const [min, max] = rfb.split('-');
  const rfbLeg = `tcp.port in {${min}..${max}}`;
  return [
    {
      filter: 'tcp.flags.syn == 1 and tcp.flags.ack == 0',
      shows: 'every connection, by its first packet; a public stream has three, one a leg',
    },
    { filter: `tcp.port == ${viewer}`, shows: 'the leg of the viewer' },
    { filter: `tcp.port == ${gateway}`, shows: 'from Traefik, and from verify itself, to the gateway' },
    { filter: rfbLeg, shows: 'from the gateway, and from verify itself, to x11vnc' },
    { filter: `tcp.port == ${gateway} and http.request`, shows: 'handshakes, with the query masked and the key kept' },
    { filter: `frame contains "${wsKey}"`, shows: 'the handshake of the stream above' },
    { filter: 'http.response.code == 101', shows: 'the answers' },
    {
      filter: `${rfbLeg} and frame contains "RFB 003.008"`,
      shows: 'greetings: x11vnc speaks first, the gateway answers',
    },
    { filter: 'tcp.flags.fin == 1 or tcp.flags.reset == 1', shows: 'ends: who let go first on each leg' },
  ];
}

/** Which dissector reads which port. */
export function decodings({ viewer, gateway }) {
  return ['-d', `tcp.port==${viewer},tls`, '-d', `tcp.port==${gateway},http`];
}

/** How many packets a filter shows. */
export function packets(file, ports, filter) {
  const args = ['-r', file, ...decodings(ports), '-Y', filter, '-T', 'fields', '-e', 'frame.number'];
  return execFileSync('tshark', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).split('\n').length - 1;
}

/** The stream that lived longest, in the gateway's log and in Traefik's. */
function longestStream(folder) {
  const lines = (name) =>
    readFileSync(join(folder, name), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
  const gateway = lines('websockify.log');
  const sockets = new Map(lines('traefik-access.log').map((line) => [line['request_Sec-Websocket-Key'], line]));
  const [closed] = gateway
    .filter(({ event, wsKey }) => event === 'session.closed' && sockets.has(wsKey))
    .sort((a, b) => b.durationMs - a.durationMs);
  const opened = gateway.find(({ event, wsKey }) => event === 'session.opened' && wsKey === closed.wsKey);
  const kept =
    /^(StartUTC|RequestPath|RouterName|ServiceURL|DownstreamStatus|OriginStatus|Duration|TLSVersion|request_|origin_)/;
  const whole = sockets.get(closed.wsKey);
  const traefik = Object.fromEntries(Object.entries(whole).filter(([name]) => kept.test(name)));
  return { opened, closed, traefik };
}

function table(heads, rows) {
  return [heads, heads.map(() => '---'), ...rows]
    .map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`)
    .join('\n');
}
