import { describe, expect, test } from 'vitest';
import { announceIgnored, SETTINGS_CHANNELS } from '../../src/config/index.ts';
import { strictNameProblems, valueOf } from '../../src/config/names.ts';
import { startJsonLog } from '../../src/core/index.ts';
import { KNOWN_NAMES } from '../../src/settings/index.ts';

const problemsOf = (env: Readonly<Record<string, string | undefined>>): string[] =>
  strictNameProblems(env, KNOWN_NAMES);

describe('a name under a prefix of ours that nobody has', () => {
  test.each([
    ['CAMOFLEET_GATEWAY_FLEET', 'CAMOFLEET_GATEWAY_FLEET_ID'],
    ['CAMOFLEET_TOPOLGY', 'CAMOFLEET_TOPOLOGY'],
    ['RUNNER_PROT', 'RUNNER_PORT'],
    ['RUNNER_SESSION_DEFAULTS_HEADLESS', 'RUNNER_SESSION_DEFAULTS__HEADLESS'],
    ['CONTROL_WORKER', 'CONTROL_WORKERS'],
    ['VNC_MAP_JOSN', 'VNC_MAP_JSON'],
  ])('%s is an error with the nearest valid one, %s', (name, nearest) => {
    expect(problemsOf({ [name]: 'x' })).toEqual([`${name} is not a setting; did you mean ${nearest}?`]);
  });

  test.each(['CAMOFLEET_SOMETHING_ELSE_ENTIRELY', 'VNC_', 'CONTROL_'])(
    '%s is an error where nothing is near',
    (name) => {
      expect(problemsOf({ [name]: '' })).toEqual([`${name} is not a setting`]);
    },
  );
});

describe('a name without a prefix of ours', () => {
  test.each([
    ['TCP_IDLE_TIMOUT_MS', 'TCP_IDLE_TIMEOUT_MS'],
    ['TCP_IDEL_TIMOUT_MS', 'TCP_IDLE_TIMEOUT_MS'],
    ['WS_PING_INTERVAL', 'WS_PING_INTERVAL_MS'],
    ['ws_ping_interval_ms', 'WS_PING_INTERVAL_MS'],
    ['SHUTDOWN_GRACE', 'SHUTDOWN_GRACE_MS'],
    ['MAX_CONCURENT_SESSIONS', 'MAX_CONCURRENT_SESSIONS'],
    ['HTTP_PROT', 'HTTP_PORT'],
    ['LOG_LEVLE', 'LOG_LEVEL'],
  ])('%s is an error, for it is a near miss of %s', (name, nearest) => {
    expect(problemsOf({ [name]: '1' })).toEqual([`${name} is not a setting; did you mean ${nearest}?`]);
  });

  test.each([
    'HTTP_PROXY',
    'HTTPS_PROXY',
    'http_proxy',
    'NO_PROXY',
    'HTTPS_PORT',
    'HTTPS_HOST',
    'HTTP_TIMEOUT',
    'PATH',
    'HOME',
    'PORT',
    'HOST',
    'LOG',
    'LEVEL',
    'NODE_ENV',
    'TCP_KEEPALIVE_MS',
    'MAX_SESSIONS',
    'VNC',
    'VNCSERVER_PORT',
    'RUNNERS',
    'UPDATE_GOLDENS',
  ])('%s is nobody’s typo', (name) => {
    expect(problemsOf({ [name]: '1' })).toEqual([]);
  });
});

test('a name that is known, or not set, is no problem', () => {
  const all = Object.fromEntries(KNOWN_NAMES.map((name) => [name, 'x']));
  expect(problemsOf({ ...all, CAMOFLEET_NOPE: undefined })).toEqual([]);
});

test('all problems are told at once', () => {
  expect(problemsOf({ VNC_A: '1', RUNNER_B: '1', LOG_LEVLE: '1', PATH: '/bin' })).toHaveLength(3);
});

/** What a pod sees of services called runner, control, vnc-gateway and http. */
const INJECTED = {
  KUBERNETES_SERVICE_HOST: '10.0.0.1',
  RUNNER_SERVICE_HOST: '10.0.0.7',
  RUNNER_SERVICE_PORT: '8070',
  RUNNER_SERVICE_PORT_API: '8070',
  RUNNER_PORT: 'tcp://10.0.0.7:8070',
  RUNNER_PORT_8070_TCP: 'tcp://10.0.0.7:8070',
  RUNNER_PORT_8070_TCP_ADDR: '10.0.0.7',
  RUNNER_PORT_8070_TCP_PROTO: 'tcp',
  CONTROL_PORT: 'udp://10.0.0.8:9000',
  VNC_GATEWAY_PORT_6900_UDP_PORT: '6900',
  HTTP_PORT: 'tcp://10.0.0.9:80',
};

describe('what Kubernetes injects for services', () => {
  test('is no problem', () => {
    expect(problemsOf(INJECTED)).toEqual([]);
  });

  test.each(['RUNNER_PORT', 'CONTROL_PORT', 'HTTP_PORT'])('is no value of %s', (name) => {
    expect(valueOf(INJECTED, name)).toBeUndefined();
    expect(valueOf({ [name]: '81' }, name)).toBe('81');
  });

  test('is told in one line at level debug, as far as it looks like ours', () => {
    const linesAt = (least: 'debug' | 'info', env: Readonly<Record<string, string | undefined>>): string[] => {
      const lines: string[] = [];
      const clock = { now: () => 0, monotonic: () => 0 };
      const end = startJsonLog(SETTINGS_CHANNELS, { write: (line) => lines.push(line), clock, least });
      announceIgnored(env, KNOWN_NAMES);
      end();
      return lines;
    };
    const [line, ...more] = linesAt('debug', { ...INJECTED, RUNNER_HOST: '::', CAMOFLEET_ABSENT: undefined });
    const { KUBERNETES_SERVICE_HOST: _other, ...ours } = INJECTED;
    expect(JSON.parse(line!)).toMatchObject({ level: 'debug', event: 'settings.ignored', names: Object.keys(ours) });
    expect(more).toEqual([]);
    expect(linesAt('info', INJECTED)).toEqual([]);
    expect(linesAt('debug', { PATH: '/bin', RUNNER_HOST: '::' })).toEqual([]);
  });
});
