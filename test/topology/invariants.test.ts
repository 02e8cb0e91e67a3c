import { describe, expect, test } from 'vitest';
import { parseDocument } from 'yaml';
import { listenerPorts, violationText, violations } from '../../src/topology/index.ts';
import { EXAMPLES, topologyOf } from './support/topology.ts';

interface Broken {
  readonly id: string;
  readonly path: string;
  readonly yaml: string;
  readonly saw: string;
  readonly remedy: string;
  readonly severity?: 'warn';
}

const BROKEN: readonly Broken[] = [
  {
    id: 'ping-interval',
    path: 'gateway.pingIntervalMs',
    yaml: 'engine: swarm\npublic: { bind: 0.0.0.0, host: fleet.example }\ngateway: { pingIntervalMs: 300001, readTimeoutMs: 900001 }',
    saw: '300001 ms',
    remedy: '300000',
  },
  {
    id: 'swarm-bind',
    path: 'public.bind',
    yaml: 'engine: swarm',
    saw: '127.0.0.1',
    remedy: '0.0.0.0',
  },
  {
    id: 'docker-provider',
    path: 'ingress.provider',
    yaml: 'ingress: { provider: docker }',
    saw: 'docker, and engine is local',
    remedy: 'compose',
  },
  {
    id: 'docker-provider',
    path: 'ingress.provider',
    yaml: 'engine: swarm\npublic: { bind: 0.0.0.0, host: fleet.example.com }\ningress: { provider: docker }',
    saw: 'docker, and engine is swarm',
    remedy: 'file',
  },
  {
    id: 'runner-hosts',
    path: 'runner.hosts',
    yaml: 'runner: { hosts: [10.8.0.2] }',
    saw: '10.8.0.2, and engine is local',
    remedy: 'compose',
  },
  {
    id: 'runner-hosts',
    path: 'gateway.identity',
    yaml: 'engine: compose\nrunner: { hosts: [10.8.0.2] }\ngateway: { identity: open }',
    saw: 'open, and runners stand on 10.8.0.2',
    remedy: 'token',
  },
  {
    id: 'runner-hosts',
    path: 'runner.hosts',
    yaml: 'engine: compose\nrunner: { hosts: [0.0.0.0] }',
    saw: '0.0.0.0',
    remedy: 'the addresses of the private network between the hosts',
  },
  {
    id: 'runner-hosts',
    path: 'runner.hosts',
    yaml: 'engine: compose\nrunner: { hosts: [203.0.113.7, 100.64.0.9, fd00::7] }',
    saw: '203.0.113.7, which the internet routes: RFB is published there in clear text',
    remedy: 'the addresses of the private network between the hosts',
    severity: 'warn',
  },
  {
    id: 'ping-interval',
    path: 'gateway.pingIntervalMs',
    yaml: 'gateway: { pingIntervalMs: 20001 }',
    saw: '20001 ms',
    remedy: '20000',
  },
  {
    id: 'ping-interval',
    path: 'gateway.pingIntervalMs',
    yaml: 'edge: [{ name: nginx, idleTimeoutMs: 59999 }]',
    saw: '20000 ms',
    remedy: '19999',
  },
  {
    id: 'ping-interval',
    path: 'gateway.pingIntervalMs',
    yaml: 'gateway: { readTimeoutMs: 59999 }',
    saw: '20000 ms',
    remedy: '19999',
  },
  {
    id: 'ping-interval',
    path: 'gateway.pingIntervalMs',
    yaml: 'gateway: { pingIntervalMs: 0 }',
    saw: 'pings are off',
    remedy: '20000',
    severity: 'warn',
  },
  {
    id: 'ping-interval',
    path: 'gateway.pingIntervalMs',
    yaml: 'gateway: { pingIntervalMs: 0 }\nedge: [{ name: lb, idleTimeoutMs: 30000 }]',
    saw: 'pings are off',
    remedy: '10000',
  },
  {
    id: 'write-timeout',
    path: 'gateway.writeTimeoutMs',
    yaml: 'gateway: { writeTimeoutMs: 20000 }',
    saw: '20000 ms',
    remedy: '15000',
  },
  {
    id: 'health-check',
    path: 'gateway.drainDelayMs',
    yaml: 'gateway: { drainDelayMs: 1500 }',
    saw: '1500 ms',
    remedy: '3000',
    severity: 'warn',
  },
  {
    id: 'drain-delay',
    path: 'gateway.drainDelayMs',
    yaml: 'gateway: { drainDelayMs: 30000 }',
    saw: '30000 ms of 30000 ms grace',
    remedy: '180000',
  },
  {
    id: 'answer-time',
    path: 'ingress.responseHeaderTimeoutMs',
    yaml: 'ingress: { responseHeaderTimeoutMs: 30999 }',
    saw: '30999 ms',
    remedy: '31000',
  },
  {
    id: 'answer-time',
    path: 'ingress.responseHeaderTimeoutMs',
    yaml: 'gateway: { connectTimeoutMs: 30000 }',
    saw: '35000 ms',
    remedy: '36000',
  },
  {
    id: 'answer-time',
    path: 'control.requestTimeoutSeconds',
    yaml: 'runner: { startupTimeoutSeconds: 30 }',
    saw: '30 s',
    remedy: '31',
  },
  { id: 'idle-ttl', path: 'runner.idleTtlSeconds', yaml: 'runner: { idleTtlSeconds: 29 }', saw: '29 s', remedy: '30' },
  {
    id: 'one-port-one-listener',
    path: 'control.port',
    yaml: 'control: { port: 6900 }',
    saw: 'control.port and gateway.port are both 6900',
    remedy: '6902',
  },
  {
    id: 'one-port-one-listener',
    path: 'runner.internalPort',
    yaml: 'runner: { internalPort: 8443 }',
    saw: 'runner.internalPort and public.port are both 8443',
    remedy: '6902',
  },
  {
    id: 'rfb-range',
    path: 'gateway.internalPort',
    yaml: 'gateway: { internalPort: 5900 }',
    saw: '5900 lies in runner.rfbPorts 5900-5999',
    remedy: '6901',
  },
  {
    id: 'slots',
    path: 'runner.maxSessions',
    yaml: 'runner: { maxSessions: 101 }',
    saw: '101 sessions, 100 slots',
    remedy: '100',
  },
  {
    id: 'slots',
    path: 'runner.maxSessions',
    yaml: 'runner: { rfbPorts: { min: 5900, max: 5909 } }',
    saw: '20 sessions, 10 slots',
    remedy: '10',
  },
  {
    id: 'id-ranges',
    path: 'gateway.webRange',
    yaml: 'gateway: { identity: open, webRange: { min: 6900, max: 6904 } }',
    saw: 'gateway 6900-6904 from port 5900, runner 6900-6999 from port 5900',
    remedy: '{min: 6900, max: 6999}',
  },
  {
    id: 'id-ranges',
    path: 'gateway.webRange',
    yaml: 'gateway: { identity: open, basePort: 5901 }',
    saw: 'gateway 6900-6999 from port 5901, runner 6900-6999 from port 5900',
    remedy: 'gateway.basePort: 5900',
  },
  {
    id: 'id-ranges',
    path: 'gateway.webRange',
    yaml: 'gateway: { identity: open }\nrunner: { rfbPorts: { max: 5950 } }',
    saw: 'id 6999 leads to port 5999, and runner.rfbPorts end at 5950',
    remedy: '{min: 6900, max: 6950}',
  },
  {
    id: 'open-identity',
    path: 'gateway.identity',
    yaml: 'gateway: { identity: open }\npublic: { bind: 0.0.0.0, host: h }',
    saw: 'numeric ids open screens without a token on 0.0.0.0',
    remedy: 'token',
    severity: 'warn',
  },
  {
    id: 'tls-files',
    path: 'tls.certificate',
    yaml: 'tls: { mode: files, key: k.pem }',
    saw: 'not set',
    remedy: 'PATH',
  },
  {
    id: 'tls-files',
    path: 'tls.key',
    yaml: 'tls: { mode: files, certificate: c.pem }',
    saw: 'not set',
    remedy: 'PATH',
  },
  {
    id: 'tls-files',
    path: 'tls.email',
    yaml: 'tls: { mode: acme }\npublic: { host: h.example }',
    saw: 'not set',
    remedy: 'you@example.com',
  },
  {
    id: 'acme',
    path: 'public.host',
    yaml: 'tls: { mode: acme, email: a@b }',
    saw: 'localhost, and tls.mode is acme',
    remedy: 'throwaway',
  },
  {
    id: 'acme',
    path: 'public.host',
    yaml: 'tls: { mode: acme, email: a@b }\npublic: { host: 192.0.2.7 }',
    saw: '192.0.2.7, and tls.mode is acme',
    remedy: 'throwaway',
  },
  {
    id: 'acme',
    path: 'ingress.kind',
    yaml: 'tls: { mode: acme, email: a@b }\npublic: { host: h.example }\ningress: { kind: embedded }',
    saw: 'embedded, and tls.mode is acme',
    remedy: 'traefik',
  },
  {
    id: 'public-host',
    path: 'public.host',
    yaml: 'public: { bind: "::" }',
    saw: 'localhost, while the ingress listens on ::',
    remedy: 'the name that viewers type',
    severity: 'warn',
  },
  {
    id: 'default-browser',
    path: 'runner.defaultBrowser',
    yaml: 'runner: { defaultBrowser: chromum }',
    saw: 'chromum',
    remedy: 'chromium',
  },
  {
    id: 'default-browser',
    path: 'runner.defaultBrowser',
    yaml: 'runner: { defaultBrowser: lynx }',
    saw: 'lynx',
    remedy: 'chromium',
  },
  {
    id: 'one-port-one-listener',
    path: 'control.port',
    yaml: 'gateway: { port: 65535 }\ncontrol: { port: 65535 }',
    saw: 'control.port and gateway.port are both 65535',
    remedy: '1024',
  },
];

describe('a topology breaks', () => {
  test.each(BROKEN)('topology.$id with $yaml', ({ id, path, yaml, saw, remedy, severity = 'fail' }) => {
    const found = violations(topologyOf(yaml));
    expect(found.map((violation) => violation.id)).toEqual([`topology.${id}`]);
    expect(found[0]).toMatchObject({ path, severity });
    expect(found[0]!.saw).toBe(saw);
    expect(found[0]!.remedy).toContain(remedy);
    expect(found[0]!.want).not.toBe('');
  });

  /** Remedies of one plain setting; the others name two, or a value that only people know. */
  const curable = BROKEN.filter(
    ({ remedy, id }) => /^[a-z0-9]+$/.test(remedy) && !['id-ranges', 'public-host'].includes(id),
  );
  test.each(curable)('topology.$id, and its remedy, written into the file, cures $yaml', ({ yaml }) => {
    const [violation] = violations(topologyOf(yaml));
    const [, path, value] = /^(\S+): (\S+)$/.exec(violation!.remedy)!;
    const document = parseDocument(yaml);
    document.setIn(path!.split('.'), /^\d+$/.test(value!) ? Number(value) : value);
    expect(violations(topologyOf(document.toString()))).toEqual([]);
  });

  test('several rules at once, and is told all', () => {
    const found = violations(
      topologyOf('gateway: { pingIntervalMs: 0, writeTimeoutMs: 30000, port: 9000 }\nrunner: { idleTtlSeconds: 5 }'),
    );
    expect(found.map(({ id }) => id.replace('topology.', ''))).toEqual([
      'ping-interval',
      'write-timeout',
      'idle-ttl',
      'one-port-one-listener',
    ]);
  });
});

describe('a topology keeps every rule', () => {
  test.each([
    ['as it is without a file', ''],
    [
      'with pings at a third of the shortest timer',
      'gateway: { pingIntervalMs: 10000 }\nedge: [{ name: a, idleTimeoutMs: 60000 }, { name: b, idleTimeoutMs: 30000 }]',
    ],
    ['with the longest write timeout below that of x11vnc', 'gateway: { writeTimeoutMs: 19999 }'],
    ['with sessions that never end by themselves', 'runner: { idleTtlSeconds: 0 }'],
    [
      'with id ranges that differ where numeric ids open nothing',
      'gateway: { webRange: { min: 1, max: 2 }, basePort: 1 }',
    ],
    ['with open identities on loopback', 'gateway: { identity: open }'],
    ['with as many sessions as slots', 'runner: { maxSessions: 100 }'],
    ['with a test card in the place of a browser', 'runner: { defaultBrowser: testcard-still }'],
    ['with a public host and a public address', 'public: { host: fleet.example.com, bind: 0.0.0.0 }'],
    ['with a public host behind something on this host', 'public: { host: fleet.example.com }'],
    ['for a certificate of files', EXAMPLES['files']!],
  ])('%s', (_case, yaml) => {
    expect(violations(topologyOf(yaml))).toEqual([]);
  });
});

test('a violation reads as what was seen, what was wanted, its id, and what to set', () => {
  const [violation] = violations(topologyOf('gateway: { writeTimeoutMs: 20000 }'));
  expect(violationText(violation!)).toBe(
    'fail  gateway.writeTimeoutMs: 20000 ms; wanted: below 20000 ms, after which x11vnc cuts a viewer that does not read (topology.write-timeout)\n      → gateway.writeTimeoutMs: 15000',
  );
});

test('the listeners of a fleet are those that services bind', () => {
  expect(listenerPorts(topologyOf('')).map(({ port }) => port)).toEqual([8443, 6900, 6901, 8070, 8071, 9000, 9001]);
});
