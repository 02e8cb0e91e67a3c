import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { loadTopology, parseTopology } from '../../src/topology/index.ts';

/** Every problem as `line:column path message`. */
function problemsOf(text: string): string[] {
  const parsed = parseTopology(text);
  return 'problems' in parsed
    ? parsed.problems.map(({ line, column, path, message }) => `${line}:${column} ${path}${path && ' '}${message}`)
    : [];
}

describe('a topology', () => {
  test.each([
    '',
    '\n',
    '# nothing but words\n',
    'version: 1\n',
    '{}',
    'null',
    '\uFEFFversion: 1',
    'version: 1\r\nedge: []\r\n',
  ])('may be as small as %j: everything has a default', (text) => {
    expect(problemsOf(text)).toEqual([]);
  });

  test('keeps what it says and fills in the rest', () => {
    const parsed = parseTopology('gateway: &g\n  port: 7000\npublic: { port: 9443 }\n');
    expect(parsed).toMatchObject({
      topology: {
        gateway: { port: 7000, internalPort: 6901, identity: 'token' },
        public: { port: 9443, host: 'localhost' },
      },
      given: { gateway: { port: 7000 }, public: { port: 9443 } },
    });
  });

  test('may say a thing once and refer to it', () => {
    expect(parseTopology('gateway: { readTimeoutMs: &t 30000, idleTimeoutMs: *t }')).toMatchObject({
      topology: { gateway: { readTimeoutMs: 30_000, idleTimeoutMs: 30_000 } },
    });
  });
});

describe('an unknown name', () => {
  test.each([
    ['gatway: {}', '1:1 gatway is not a setting; did you mean gateway?'],
    ['gateway:\n  prot: 1', '2:3 gateway.prot is not a setting; did you mean port?'],
    ['tls: { certficate: a }', '1:8 tls.certficate is not a setting; did you mean certificate?'],
    ['edge:\n  - { nme: a, name: b, idleTimeoutMs: 60000 }', '2:7 edge.0.nme is not a setting; did you mean name?'],
    ['runner: { rfbPorts: { mn: 1 } }', '1:23 runner.rfbPorts.mn is not a setting; did you mean min?'],
    [
      'runner: { browsers: { a: { command: [x], comand: 1 } } }',
      '1:42 runner.browsers.a.comand is not a setting; did you mean command?',
    ],
    ['pingIntervalMs: 5', '1:1 pingIntervalMs is not a setting; did you mean gateway.pingIntervalMs?'],
    ['gateway: { bind: 0.0.0.0 }', '1:12 gateway.bind is not a setting; did you mean public.bind?'],
    ['nothing-like-it: 1', '1:1 nothing-like-it is not a setting'],
    ['"": 1', '1:1 is not a setting'],
    ['1: 2', '1:1 1 is not a setting'],
    ['<<: { version: 1 }', '1:1 << is not a setting'],
    ['__proto__: 1', '1:1 __proto__ is not a setting'],
    ['? [a, b]\n: 1', '1:1 [ a, b ] is not a setting'],
  ])('%j: %s', (text, problem) => {
    expect(problemsOf(text)).toEqual([problem]);
  });
});

describe('a wrong value', () => {
  test.each([
    ['version: 2', '1:10 version must be 1, got 2'],
    ['fleet: { id: a b }', '1:14 fleet.id must be 1 to 64 of A-Z a-z 0-9 _ . -, got "a b"'],
    ['fleet: { id: 123 }', '1:14 fleet.id must be 1 to 64 of A-Z a-z 0-9 _ . -, got 123'],
    [
      'public:\n  host: "a b"',
      '2:9 public.host must be a host name or an IP address, without port and brackets, got "a b"',
    ],
    [
      'public: { host: "[::1]" }',
      '1:17 public.host must be a host name or an IP address, without port and brackets, got "[::1]"',
    ],
    [
      'public: { bind: localhost }',
      '1:17 public.bind must be an IP address like 127.0.0.1, 0.0.0.0 or ::, got "localhost"',
    ],
    ['gateway: { port: "80" }', '1:18 gateway.port must be a port from 1 to 65535, got "80"'],
    ['gateway: { port: 0 }', '1:18 gateway.port must be a port from 1 to 65535, got 0'],
    ['gateway: { port: 65536 }', '1:18 gateway.port must be a port from 1 to 65535, got 65536'],
    ['gateway: { port: 80.5 }', '1:18 gateway.port must be a port from 1 to 65535, got 80.5'],
    ['gateway: { port: .inf }', '1:18 gateway.port must be a port from 1 to 65535, got Infinity'],
    ['gateway: { port: true }', '1:18 gateway.port must be a port from 1 to 65535, got true'],
    [
      'gateway: { pingIntervalMs: -1 }',
      '1:28 gateway.pingIntervalMs must be a whole number of milliseconds from 0 to 2147483647, got -1',
    ],
    [
      'gateway: { readTimeoutMs: 0 }',
      '1:27 gateway.readTimeoutMs must be a whole number of milliseconds from 1 to 2147483647, got 0',
    ],
    [
      'gateway: { readTimeoutMs: 20s }',
      '1:27 gateway.readTimeoutMs must be a whole number of milliseconds from 1 to 2147483647, got "20s"',
    ],
    ['gateway: { maxSessions: 0 }', '1:25 gateway.maxSessions must be a whole number, 1 or more, got 0'],
    [
      'gateway: { allowedOrigins: ["*", "https://a.example/x"] }',
      '1:34 gateway.allowedOrigins.1 must be an origin like https://host[:port], in lower case and without a path, or *, got "https://a.example/x"',
    ],
    [
      'ingress: { trustedProxies: [10.0.0.0/8, nginx] }',
      '1:41 ingress.trustedProxies.1 must be an address or a network like 10.0.0.7 or 10.0.0.0/8, got "nginx"',
    ],
    [
      'tls: { mode: trowaway }',
      '1:14 tls.mode must be one of throwaway, files, acme, got "trowaway"; did you mean throwaway?',
    ],
    ['tls: { mode: self-signed }', '1:14 tls.mode must be one of throwaway, files, acme, got "self-signed"'],
    ['tls: { email: me }', '1:15 tls.email must be an e-mail address, got "me"'],
    ['logLevel: verbose', '1:11 logLevel must be one of debug, info, warn, error, got "verbose"'],
    [
      'runner: { resolution: 1080p }',
      '1:23 runner.resolution must be width x height x depth like 1920x1080x24, the depth 16 or 24, got "1080p"',
    ],
    ['runner: { idleTtlSeconds: .nan }', '1:27 runner.idleTtlSeconds must be a number of seconds, 0 or more, got NaN'],
    [
      'runner: { displays: { min: 9, max: 8 } }',
      '1:11 runner.displays must be a range whose min is not above its max, got {"min":9,"max":8}',
    ],
    [
      'gateway: { webRange: { min: 7000 } }',
      '1:12 gateway.webRange must be a range whose min is not above its max, got {"min":7000,"max":6999}',
    ],
    [
      'runner: { browsers: { a b: { command: [x] } } }',
      '1:23 runner.browsers.a b is no name of a browser, which is 1 to 64 of A-Z a-z 0-9 _ . -, and none of testcard, testcard-still, none',
    ],
    [
      'runner: { browsers: { none: { command: [x] } } }',
      '1:23 runner.browsers.none is no name of a browser, which is 1 to 64 of A-Z a-z 0-9 _ . -, and none of testcard, testcard-still, none',
    ],
    [
      'runner: { browsers: { a: { command: [] } } }',
      '1:28 runner.browsers.a.command must be a list of the program and its arguments, got []',
    ],
    ['runner: { browsers: { a: { command: [x, 1] } } }', '1:41 runner.browsers.a.command.1 must be text, got 1'],
    [
      'runner: { browsers: { a: {} } }',
      '1:23 runner.browsers.a.command is missing; it must be a list of the program and its arguments',
    ],
    [
      'edge:\n  - name: nginx',
      '2:5 edge.0.idleTimeoutMs is missing; it must be a whole number of milliseconds from 1000 to 2147483647',
    ],
    ['gateway:\n', '1:1 gateway has no value; give it one, or remove the line'],
    ['gateway: { port: }', '1:12 gateway.port has no value; give it one, or remove the line'],
    ['gateway: 5', '1:10 gateway must be a section of port, internalPort'],
    ['gateway: [5]', '1:1 gateway must be a section of port, internalPort'],
    [
      'edge: { name: nginx, idleTimeoutMs: 60000 }',
      '1:1 edge must be a list, each item a section of name, idleTimeoutMs, got {"name":"nginx"',
    ],
    ['- version: 1', '1:1 must be a section of keys and values, got [{"version":1}]'],
    ['hello', '1:1 must be a section of keys and values, got "hello"'],
  ])('%j: %s', (text, problem) => {
    expect(problemsOf(text).map((found) => found.slice(0, problem.length))).toEqual([problem]);
  });
});

describe('a file that is no YAML', () => {
  test.each([
    [
      'gateway: { port: 1',
      '1:19 is not valid YAML: Flow map in block collection must be sufficiently indented and end with a }',
    ],
    ['a: b: c', '1:4 is not valid YAML: Nested mappings are not allowed in compact mappings'],
    ['\tversion: 1', '1:1 is not valid YAML: Tabs are not allowed as indentation'],
    ['version: 1\n---\nversion: 1\n', '2:1 is not valid YAML: Source contains multiple documents'],
    ['gateway: !secret {}', '1:10 is not valid YAML: Unresolved tag: !secret'],
    ['gateway: *defaults', '1:10 *defaults refers to nothing above it'],
    ['gateway:\n  port: 80\n  port: 81', '3:3 port stands here a second time'],
    ['gateway: { port: 80, "port": 81 }', '1:22 "port" stands here a second time'],
  ])('%j: %s', (text, problem) => {
    expect(problemsOf(text).map((found) => found.slice(0, problem.length))).toEqual([problem]);
  });

  test('and grows without end is refused, not followed', () => {
    const levels = Array.from(
      { length: 9 },
      (_, n) =>
        `k${n}: &k${n} [${Array(9)
          .fill(n === 0 ? 'x' : `*k${n - 1}`)
          .join(', ')}]`,
    );
    expect(problemsOf(levels.join('\n'))).toEqual([expect.stringContaining('1:1 Excessive alias count')]);
  });
});

test('all problems are told at once, in the order of the file', () => {
  const text = [
    'verson: 1',
    'public:',
    '  prot: 80',
    '  port: 99999',
    '  port: 99998',
    'edge:',
    '  - name: nginx',
    'tls: { mode: fils }',
  ].join('\n');
  expect(problemsOf(text)).toEqual([
    '1:1 verson is not a setting; did you mean version?',
    '3:3 public.prot is not a setting; did you mean port?',
    expect.stringContaining('public.port must be a port from 1 to 65535, got 99998'),
    '5:3 port stands here a second time',
    expect.stringContaining('7:5 edge.0.idleTimeoutMs is missing'),
    '8:14 tls.mode must be one of throwaway, files, acme, got "fils"; did you mean files?',
  ]);
});

test('any cut of a file is parsed or refused with a place in it, never thrown', () => {
  const text =
    'version: 1\npublic: { host: "h", port: 1 }\nedge:\n  - name: a\n    idleTimeoutMs: 60000 # why\ngateway: &g { port: 2 }\n';
  for (let end = 0; end <= text.length; end += 1) {
    const parsed = parseTopology(text.slice(0, end));
    const lines = text.slice(0, end).split('\n').length;
    for (const { line, column } of 'problems' in parsed ? parsed.problems : []) {
      expect(line).toBeGreaterThanOrEqual(1);
      expect(line).toBeLessThanOrEqual(lines);
      expect(column).toBeGreaterThanOrEqual(1);
    }
  }
});

describe('a file', () => {
  const dir = mkdtempSync(join(tmpdir(), 'camofleet-topology-'));
  afterAll(() => rmSync(dir, { recursive: true }));

  test('that is not there is missing, and says where it was looked for', async () => {
    const file = join(dir, 'absent.yaml');
    await expect(loadTopology(file)).rejects.toMatchObject({ code: 'CF_TOPOLOGY_MISSING', facts: { file } });
    await expect(loadTopology(file)).rejects.toThrow(`${file} cannot be read: ENOENT`);
  });

  test('that is a folder cannot be read', async () => {
    await expect(loadTopology(dir)).rejects.toThrow('EISDIR');
  });

  test('that is wrong is told with its name before each place', async () => {
    const file = join(dir, 'fleet.yaml');
    writeFileSync(file, 'verson: 1\ntls: { mode: x }\n');
    const problems = [
      'fleet.yaml:1:1 verson is not a setting; did you mean version?',
      'fleet.yaml:2:14 tls.mode must be one of throwaway, files, acme, got "x"',
    ];
    await expect(loadTopology(file)).rejects.toMatchObject({
      code: 'CF_TOPOLOGY_INVALID',
      message: problems.join('\n'),
      facts: { file, problems },
    });
  });

  test('that is right is loaded', async () => {
    const file = join(dir, 'good.yaml');
    writeFileSync(file, 'fleet: { id: lab }\n');
    expect(await loadTopology(file)).toMatchObject({ fleet: { id: 'lab' }, gateway: { port: 6900 } });
  });
});
