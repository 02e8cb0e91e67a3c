import { describe, expect, test } from 'vitest';
import { KNOWN_NAMES, SERVICES, type ServiceName } from '../../src/settings/index.ts';

type Env = Readonly<Record<string, unknown>>;

function explain(service: ServiceName, given: Env): { value: (name: string) => unknown; problems: readonly string[] } {
  const env = Object.fromEntries(
    Object.entries(given).map(([name, value]) => [name, typeof value === 'string' ? value : JSON.stringify(value)]),
  );
  const { settings, problems } = SERVICES[service].explain({ env, knownNames: KNOWN_NAMES });
  return { value: (name) => settings.find((setting) => setting.env === name)?.value, problems };
}

const WORKER = { name: 'runner-1', url: 'http://runner:8070' };
const TEMPLATES = { vnc_ws: 'wss://h/websockify?token={id}', vnc_http: 'https://h/vnc/{id}' };

describe('what is read', () => {
  test.each<[ServiceName, string, unknown, unknown]>([
    [
      'gateway',
      'VNC_MAP_JSON',
      { 6901: { host: 'runner-vnc', port: 5901 }, wall: { host: 'b', port: 1, password_file: '/p', view_only: true } },
      new Map([
        ['6901', { host: 'runner-vnc', port: 5901, viewOnly: false }],
        ['wall', { host: 'b', port: 1, viewOnly: true, passwordFile: '/p' }],
      ]),
    ],
    [
      'gateway',
      'CAMOFLEET_GATEWAY_ALLOWED_TARGETS',
      '10.0.0.0/8:5900-5999,a:1,[::1]:5',
      ['10.0.0.0/8:5900-5999', 'a:1', '[::1]:5'],
    ],
    ['gateway', 'CAMOFLEET_GATEWAY_TRUSTED_PROXIES', '127.0.0.1,::1,10.0.0.0/8', ['127.0.0.1', '::1', '10.0.0.0/8']],
    [
      'gateway',
      'CAMOFLEET_GATEWAY_ALLOWED_ORIGINS',
      'https://a.example,https://b.example:8443',
      ['https://a.example', 'https://b.example:8443'],
    ],
    ['gateway', 'CAMOFLEET_GATEWAY_ALLOWED_ORIGINS', '*', ['*']],
    [
      'control',
      'CONTROL_WORKERS',
      [{ ...WORKER, ...TEMPLATES }],
      [
        {
          name: 'runner-1',
          url: 'http://runner:8070',
          supportsVnc: true,
          vncWs: TEMPLATES.vnc_ws,
          vncHttp: TEMPLATES.vnc_http,
        },
      ],
    ],
    [
      'control',
      'CONTROL_WORKERS',
      [{ ...WORKER, supports_vnc: false, vnc_ws: null }],
      [{ ...WORKER, supportsVnc: false }],
    ],
    ['control', 'CONTROL_PUBLIC_API_PREFIX', '/api/', '/api'],
    ['control', 'CONTROL_CORS_ORIGINS', ['http://localhost:5173'], ['http://localhost:5173']],
    ['runner', 'RUNNER_VNC_RESOLUTION', '800x600x16', '800x600x16'],
  ])('by %s from %s', (service, name, given, value) => {
    const explained = explain(service, { [name]: given });
    expect(explained.problems).toEqual([]);
    expect(explained.value(name)).toEqual(value);
  });
});

describe('what is refused, with what was wanted', () => {
  test.each<[ServiceName, string, unknown, string]>([
    ['gateway', 'VNC_MAP_JSON', [], 'an object of id to {host, port}'],
    ['gateway', 'VNC_MAP_JSON', { 'a/b': { host: 'h', port: 1 } }, 'ids of [A-Za-z0-9_.-] only; "a/b" is none'],
    ['gateway', 'VNC_MAP_JSON', { a: 5901 }, 'an object {host, port} for id "a"'],
    ['gateway', 'VNC_MAP_JSON', { a: [] }, 'an object {host, port} for id "a"'],
    ['gateway', 'VNC_MAP_JSON', { a: { port: 1 } }, 'a host for id "a"'],
    ['gateway', 'VNC_MAP_JSON', { a: { host: 'h', port: '1' } }, 'a port from 1 to 65535 for id "a"'],
    ['gateway', 'VNC_MAP_JSON', { a: { host: 'h', port: 0 } }, 'a port from 1 to 65535 for id "a"'],
    [
      'gateway',
      'VNC_MAP_JSON',
      { a: { host: 'h', port: 1, password: 'p' } },
      'only host, port, password_file, view_only for id "a", not "password"',
    ],
    ['gateway', 'VNC_MAP_JSON', { a: { host: 'h', port: 1, password_file: 1 } }, 'a path as password_file for id "a"'],
    [
      'gateway',
      'VNC_MAP_JSON',
      { a: { host: 'h', port: 1, view_only: 'yes' } },
      'true or false as view_only for id "a"',
    ],
    ['gateway', 'CAMOFLEET_GATEWAY_ALLOWED_TARGETS', 'runner', 'a target like host:port'],
    ['gateway', 'CAMOFLEET_GATEWAY_ALLOWED_TARGETS', 'runner:5999-5900', 'a target like host:port'],
    ['gateway', 'CAMOFLEET_GATEWAY_ALLOWED_TARGETS', 'runner:70000', 'a target like host:port'],
    ['gateway', 'CAMOFLEET_GATEWAY_ALLOWED_TARGETS', 'a b:1', 'a target like host:port'],
    ['gateway', 'CAMOFLEET_GATEWAY_TRUSTED_PROXIES', 'traefik', 'an address or a network'],
    ['gateway', 'CAMOFLEET_GATEWAY_ALLOWED_ORIGINS', 'https://a.example/', 'an origin like https://host[:port]'],
    ['gateway', 'CAMOFLEET_GATEWAY_ALLOWED_ORIGINS', 'a.example', 'an origin like https://host[:port]'],
    [
      'gateway',
      'CAMOFLEET_GATEWAY_ALLOWED_ORIGINS',
      'https://A.example',
      'an origin like https://host[:port], in lower case',
    ],
    ['gateway', 'CAMOFLEET_GATEWAY_ID', 'a/b', '1 to 64 of A-Z a-z 0-9 _ . -'],
    ['gateway', 'HTTP_HOST', '', 'a host name or an IP address'],
    ['gateway', 'VNC_BASE_PORT', '0', 'a port from 1 to 65535'],
    ['gateway', 'WS_READ_TIMEOUT_MS', '0', 'a whole number of milliseconds from 1 to'],
    ['gateway', 'MAX_CONCURRENT_SESSIONS', '0', 'a whole number, 1 or more'],
    ['gateway', 'LOG_LEVEL', 'INFO', 'one of debug, info, warn, error'],
    [
      'control',
      'CONTROL_WORKERS',
      [{ ...WORKER, url: 'ftp://runner' }],
      'a URL for worker "runner-1", with http:// or https://',
    ],
    ['control', 'CONTROL_WORKERS', [{ ...WORKER, name: 'a/b' }], 'a name for worker 1: 1 to 64 of'],
    ['control', 'CONTROL_WORKERS', ['runner-1'], 'a name for worker 1'],
    ['control', 'CONTROL_WORKERS', { ...WORKER }, 'an array of {name, url, supports_vnc, vnc_ws, vnc_http, discover}'],
    ['control', 'CONTROL_WORKERS', [WORKER, WORKER], 'each worker name once, "runner-1" is there twice'],
    ['control', 'CONTROL_WORKERS', [{ ...WORKER, vnc_ws: 7 }], 'text as vnc_ws of worker "runner-1"'],
    [
      'control',
      'CONTROL_WORKERS',
      [{ ...WORKER, vnc_ws: 'wss://h/' }],
      '{id} in vnc_ws of worker "runner-1", got "wss://h/"',
    ],
    ['control', 'CONTROL_WORKERS', [{ ...WORKER, vnc_wss: 'x' }], 'not vnc_wss; did you mean vnc_ws?'],
    [
      'control',
      'CONTROL_WORKERS',
      [{ ...WORKER, secret: 'x' }],
      'only name, url, supports_vnc, vnc_ws, vnc_http, discover for worker "runner-1", not secret',
    ],
    [
      'control',
      'CONTROL_WORKERS',
      [{ ...WORKER, supports_vnc: 'false' }],
      'true or false as supports_vnc of worker "runner-1"',
    ],
    [
      'control',
      'CONTROL_WORKERS',
      [{ ...WORKER, vnc_ws: 'wss://h/ws?token={id}}' }],
      'an opening { for the } of vnc_ws of worker "runner-1" at character 22',
    ],
    [
      'control',
      'CONTROL_WORKERS',
      [{ ...WORKER, vnc_ws: 'wss://h/ws?token={{id}' }],
      'a closing } in vnc_ws of worker "runner-1" for the { at character 18',
    ],
    [
      'control',
      'CONTROL_WORKERS',
      [{ ...WORKER, vnc_http: 'https://h/vnc#{id}' }],
      'there is a # in vnc_http of worker "runner-1" at character 14',
    ],
    [
      'control',
      'CONTROL_WORKERS',
      [{ ...WORKER, vnc_http: 'https://h/{ID}' }],
      'only {id}, {host} and {port} in vnc_http of worker "runner-1", not {ID} at character 11',
    ],
    ['control', 'CONTROL_WORKERS', [{ ...WORKER, vnc_ws: '//h/{id}' }], 'to begin with ws:// or wss://'],
    ['control', 'CONTROL_CORS_ORIGINS', '*', 'an origin like https://host[:port]'],
    ['control', 'CONTROL_PUBLIC_API_PREFIX', 'api', 'a path like /api, or nothing'],
    ['control', 'CONTROL_METRICS_ENDPOINT', 'metrics', 'a path like /metrics'],
    ['control', 'CONTROL_REQUEST_TIMEOUT', '0', 'a number of seconds from 0.1 to'],
    ['control', 'CONTROL_LIST_SESSIONS_CONCURRENCY', '0', 'a whole number, 1 or more'],
    ['runner', 'CAMOFLEET_RUNNER_BROWSERS', [], 'an object of name to {command: [argv]}'],
    ['runner', 'CAMOFLEET_RUNNER_BROWSERS', { 'a b': { command: ['x'] } }, 'browser names of 1 to 64 of'],
    [
      'runner',
      'CAMOFLEET_RUNNER_BROWSERS',
      { testcard: { command: ['x'] } },
      'and none of testcard, testcard-still, none; "testcard" is none',
    ],
    ['runner', 'CAMOFLEET_RUNNER_BROWSERS', { a: { command: [] } }, 'for browser "a"'],
    ['runner', 'CAMOFLEET_RUNNER_BROWSERS', { a: { command: 'chromium' } }, 'for browser "a"'],
    ['runner', 'CAMOFLEET_RUNNER_BROWSERS', { a: { command: ['x'], env: {} } }, 'for browser "a"'],
    ['runner', 'CAMOFLEET_RUNNER_BROWSERS', { a: null }, 'for browser "a"'],
    ['runner', 'RUNNER_VNC_RESOLUTION', '1920x1080', 'width x height x depth like 1920x1080x24'],
    ['runner', 'RUNNER_VNC_WS_BASE', 'https://h', 'a URL with ws:// or wss://'],
    ['runner', 'RUNNER_CLEANUP_INTERVAL', '0', 'a number of seconds from 0.1 to'],
    ['runner', 'RUNNER_START_URL_WAIT', 'networkidle', 'one of none, domcontentloaded, load'],
    ['runner', 'CAMOFLEET_RUNNER_NAME', '', '1 to 64 of A-Z a-z 0-9 _ . -'],
  ])('by %s as %s: %j', (service, name, given, want) => {
    const { problems } = explain(service, { [name]: given });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(`${name} must be `);
    expect(problems[0]).toContain(want);
  });
});

describe('what holds between settings', () => {
  test.each<[ServiceName, Env, string]>([
    [
      'gateway',
      { WS_PING_INTERVAL_MS: '60000' },
      'WS_PING_INTERVAL_MS must be below WS_READ_TIMEOUT_MS (60000), or every quiet viewer is lost, got 60000',
    ],
    ['gateway', { VNC_BASE_PORT: '65500' }, 'but its last id leads to port 65599'],
    [
      'runner',
      { RUNNER_VNC_DISPLAY_MIN: '200' },
      'RUNNER_VNC_DISPLAY_MIN must not be above RUNNER_VNC_DISPLAY_MAX, got 200 and 199',
    ],
    [
      'runner',
      { RUNNER_VNC_PORT_MAX: '5800' },
      'RUNNER_VNC_PORT_MIN must not be above RUNNER_VNC_PORT_MAX, got 5900 and 5800',
    ],
    [
      'runner',
      { RUNNER_VNC_WS_PORT_MIN: '7000' },
      'RUNNER_VNC_WS_PORT_MIN must not be above RUNNER_VNC_WS_PORT_MAX, got 7000 and 6999',
    ],
    [
      'runner',
      { RUNNER_VNC_WS_BASE: 'wss://h' },
      'RUNNER_VNC_WS_BASE and RUNNER_VNC_HTTP_BASE must both be set, or neither',
    ],
  ])('for %s is broken by %j', (service, env, problem) => {
    expect(explain(service, env).problems).toEqual([expect.stringContaining(problem)]);
  });

  test.each<[ServiceName, Env]>([
    ['runner', { RUNNER_VNC_WS_BASE: 'wss://h', RUNNER_VNC_HTTP_BASE: 'https://h' }],
    ['gateway', { WS_PING_INTERVAL_MS: '59999' }],
    ['gateway', { WS_PING_INTERVAL_MS: '0', WS_READ_TIMEOUT_MS: '1' }],
    ['gateway', { VNC_BASE_PORT: '65436' }],
    ['gateway', { VNC_BASE_PORT: '65535', VNC_WEB_RANGE: '' }],
    ['runner', { RUNNER_VNC_DISPLAY_MIN: '199', RUNNER_VNC_PORT_MIN: '5999', RUNNER_VNC_WS_PORT_MIN: '6999' }],
  ])('for %s holds with %j', (service, env) => {
    expect(explain(service, env).problems).toEqual([]);
  });
});
