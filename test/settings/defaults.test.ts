import { describe, expect, test } from 'vitest';
import { KNOWN_NAMES, SERVICES, type ServiceName } from '../../src/settings/index.ts';

/** The tables of the contract: every name that deployments rely on, with its default. */
const CONTRACT: Readonly<Record<ServiceName, Readonly<Record<string, unknown>>>> = {
  gateway: {
    HTTP_HOST: '0.0.0.0',
    HTTP_PORT: 6900,
    VNC_DEFAULT_HOST: '',
    VNC_WEB_RANGE: { min: 6900, max: 6999 },
    VNC_BASE_PORT: 5900,
    VNC_MAP_JSON: new Map(),
    LOG_LEVEL: 'info',
    WS_PING_INTERVAL_MS: 20_000,
    WS_READ_TIMEOUT_MS: 60_000,
    WS_WRITE_TIMEOUT_MS: 15_000,
    TCP_IDLE_TIMEOUT_MS: 300_000,
    TCP_CONNECT_TIMEOUT_MS: 5_000,
    CAMOFLEET_GATEWAY_GREETING_TIMEOUT_MS: 5_000,
    SHUTDOWN_GRACE_MS: 30_000,
    CAMOFLEET_GATEWAY_DRAIN_DELAY_MS: 5_000,
    MAX_CONCURRENT_SESSIONS: 1_000,
    CAMOFLEET_GATEWAY_ALLOWED_TARGETS: [],
  },
  runner: {
    RUNNER_HOST: '0.0.0.0',
    RUNNER_PORT: 8070,
    RUNNER_CORS_ORIGINS: [],
    RUNNER_CLEANUP_INTERVAL: 5,
    RUNNER_SESSION_DEFAULTS__IDLE_TTL_SECONDS: 300,
    RUNNER_SESSION_DEFAULTS__HEADLESS: false,
    RUNNER_SESSION_DEFAULTS__START_URL: 'about:blank',
    RUNNER_VNC_DISPLAY_MIN: 100,
    RUNNER_VNC_DISPLAY_MAX: 199,
    RUNNER_VNC_PORT_MIN: 5900,
    RUNNER_VNC_PORT_MAX: 5999,
    RUNNER_VNC_WS_PORT_MIN: 6900,
    RUNNER_VNC_WS_PORT_MAX: 6999,
    RUNNER_VNC_RESOLUTION: '1920x1080x24',
    RUNNER_VNC_WS_BASE: '',
    RUNNER_VNC_HTTP_BASE: '',
    RUNNER_VNC_STARTUP_TIMEOUT_SECONDS: 15,
    RUNNER_START_URL_WAIT: 'none',
    RUNNER_PREWARM_HEADLESS: 0,
    RUNNER_PREWARM_VNC: 0,
    RUNNER_PREWARM_CHECK_INTERVAL_SECONDS: 5,
    CAMOFLEET_RUNNER_ADVERTISE_HOST: '127.0.0.1',
  },
  control: {
    CONTROL_HOST: '0.0.0.0',
    CONTROL_PORT: 9000,
    CONTROL_CORS_ORIGINS: [],
    CONTROL_WORKERS: [],
    CONTROL_LIST_SESSIONS_CONCURRENCY: 8,
    CONTROL_REQUEST_TIMEOUT: 30,
    CONTROL_PUBLIC_API_PREFIX: '',
    CONTROL_METRICS_ENDPOINT: '/metrics',
  },
};
const NAMES = Object.keys(SERVICES) as ServiceName[];
const OURS = /^CAMOFLEET_(GATEWAY|RUNNER|CONTROL)_[A-Z0-9_]+$/;

describe.each(NAMES)('the settings of %s', (service) => {
  const fields = Object.values(SERVICES[service].fields);

  test.each(Object.entries(CONTRACT[service]))('%s is %j unless it is set', (name, usual) => {
    expect(fields.find(({ env }) => env === name)?.default).toEqual(usual);
  });

  test('have no name beside those but our own', () => {
    const others = fields.map(({ env }) => env).filter((name) => !(name in CONTRACT[service]));
    expect(others.filter((name) => !OURS.test(name))).toEqual([]);
    expect(others.filter((name) => !name.startsWith(`CAMOFLEET_${service.toUpperCase()}_`))).toEqual([]);
  });

  test('load from an empty environment, as their defaults', () => {
    const values = SERVICES[service].load({ env: {}, knownNames: KNOWN_NAMES });
    expect(Object.values(values)).toEqual(fields.map((field) => field.default));
  });

  test('are documented, each in a sentence that ends', () => {
    expect(fields.filter(({ doc }) => !/^[A-Z`].*\.$/.test(doc)).map(({ env }) => env)).toEqual([]);
  });
});

test('no name is two settings', () => {
  expect(new Set(KNOWN_NAMES).size).toBe(KNOWN_NAMES.length);
});

test('an environment that every service reads is an error to none', () => {
  const env = Object.fromEntries(
    Object.values(CONTRACT).flatMap((names) => Object.keys(names).map((name) => [name, undefined])),
  );
  for (const service of NAMES)
    expect(
      SERVICES[service].explain({ env: { ...env, RUNNER_PORT: '1', HTTP_PORT: '2' }, knownNames: KNOWN_NAMES })
        .problems,
    ).toEqual([]);
});
