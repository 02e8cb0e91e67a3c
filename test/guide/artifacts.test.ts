/** artifacts/novnc: a real run, nobody's secrets, and a page whose numbers are those of the files. */
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { leaksIn } from '../../scripts/guide/leaks.mjs';
import { parseEdgeLog } from '../../src/diagnostics/logs/edge.ts';
import { readCapture } from '../../src/diagnostics/pcap/index.ts';
import { lacks } from '../support/components.ts';
import { PACKAGE_ROOT } from '../topology/support/topology.ts';

const FOLDER = join(PACKAGE_ROOT, 'artifacts', 'novnc');
const CAPTURE = join(FOLDER, 'vnc.tcpdump.pcap');
const FILES = ['README.md', 'traefik-access.log', 'vnc.tcpdump.pcap', 'websockify.log'];
const MAX_BYTES = 300_000;

const textOf = (name: string): string => readFileSync(join(FOLDER, name), 'utf8');
const page = textOf('README.md');

interface GatewayLine {
  readonly event: string;
  readonly wsKey: string;
  readonly durationMs?: number;
  readonly cause?: string;
}

const gateway = textOf('websockify.log')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as GatewayLine);

describe('artifacts/novnc', () => {
  test('holds the three files and their page, small enough for a repository', () => {
    expect(readdirSync(FOLDER).toSorted()).toEqual(FILES);
    expect(FILES.reduce((sum, name) => sum + statSync(join(FOLDER, name)).size, 0)).toBeLessThan(MAX_BYTES);
  });

  test.each(FILES)('%s holds no secret and nothing of the machine that it was made on', (name) => {
    expect(leaksIn(readFileSync(join(FOLDER, name), 'latin1'))).toEqual([]);
  });

  test.each([
    ['a token', 'GET /websockify?token=eyJhbGciOiJkaXIi'],
    ['a query with a value', '/websockify?token=abc'],
    ['a bearer', 'Authorization: Bearer abcdefghij'],
    ['a path of a host', '"/home/somebody/fleet"'],
    ['an address of a host', '10.1.2.3'],
    ['the name of a machine or folder', 'on box-7'],
  ])('%s would be found', (name, text) => {
    expect(leaksIn(text, ['box-7'])).toContain(name);
  });

  test('is of a run that passed, on real Traefik', () => {
    expect(page).toMatch(/^PASSED {2}held \d+\.\d s, 0 cuts/m);
    const sockets = parseEdgeLog(textOf('traefik-access.log').split('\n')).filter(({ path }) => path === '/websockify');
    expect(sockets.length).toBeGreaterThan(5);
    expect(sockets.every(({ by, status }) => by === 'traefik' && status === 0)).toBe(true);
  });

  test('joins: the stream of the page is in all three files, by its key', async () => {
    const key = /"wsKey": "([^"]+)"/.exec(page)![1]!;
    expect(gateway.filter(({ wsKey }) => wsKey === key).map(({ event }) => event)).toEqual([
      'session.opened',
      'session.closed',
    ]);
    expect(textOf('traefik-access.log')).toContain(`"request_Sec-Websocket-Key":"${key}"`);
    const { flows, truncated } = await readCapture(CAPTURE);
    expect(truncated).toBe(false);
    expect(flows.filter(({ wsKey }) => wsKey === key)).toHaveLength(1);
  });

  test('shows handshakes, greetings and ends on every leg, and every socket of the gateway in the packets', async () => {
    const { handshakes, banners, ends, flows, undecoded } = await readCapture(CAPTURE);
    expect(Math.min(handshakes, banners, ends.length)).toBeGreaterThan(10);
    expect(undecoded).toBe(0);
    const keys = new Set(flows.map(({ wsKey }) => wsKey));
    expect(gateway.filter(({ wsKey }) => !keys.has(wsKey))).toEqual([]);
    const legs = new Set(flows.map(({ server }) => Number(server.split(':').at(-1))));
    const [viewer, rfb] = [Number(/tcp\.port==(\d+),tls/.exec(page)![1]), Number(/in \{(\d+)\.\./.exec(page)![1])];
    expect(legs.has(viewer) && [...legs].some((port) => port >= rfb && port < rfb + 100)).toBe(true);
  });

  test.skipIf(lacks('tshark'))('is read by tshark as the page says, filter by filter', () => {
    const options = /tshark -r vnc\.tcpdump\.pcap (.*) -Y FILTER/.exec(page)![1]!.split(' ');
    const rows = [...page.matchAll(/^\| `([^`]+)` \| (\d+) \| [^|]+ \|$/gm)];
    expect(rows.length).toBeGreaterThan(5);
    for (const [, filter, packets] of rows) {
      const args = ['-r', CAPTURE, ...options, '-Y', filter!, '-T', 'fields', '-e', 'frame.number'];
      const shown = execFileSync('tshark', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
      const found = shown.split('\n').length - 1;
      expect(found, filter).toBeGreaterThan(0);
      // What is HTTP differs a little from one version of tshark to the next.
      expect(filter!.includes('http') ? Number(packets) : found, filter).toBe(Number(packets));
    }
  });
});
