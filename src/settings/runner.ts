import { isHost } from '../core/index.js';
import {
  type ConfigOf,
  bool,
  choice,
  count,
  defineSettings,
  filePath,
  host,
  json,
  list,
  millis,
  port,
  seconds,
  text,
  url,
} from '../config/index.js';
import { type BrowserSetting, parseBrowsers } from './browsers.js';
import { NAME, ORIGINS, PLACES, RESOLUTION } from './forms.js';

/** The settings of `camofleet runner`. */
export const runnerSettings = defineSettings(
  'runner',
  {
    host: host({ env: 'RUNNER_HOST', default: '0.0.0.0', doc: 'Address that the API binds.' }),
    port: port({ env: 'RUNNER_PORT', default: 8070, doc: 'Port of the API; 0 picks a free one.' }),
    internalHost: host({
      env: 'CAMOFLEET_RUNNER_INTERNAL_HOST',
      default: '127.0.0.1',
      doc: 'Address of the internal listener (metrics).',
    }),
    internalPort: port({
      env: 'CAMOFLEET_RUNNER_INTERNAL_PORT',
      default: 8071,
      doc: 'Port of the internal listener; 0 picks a free one.',
    }),
    name: text({
      env: 'CAMOFLEET_RUNNER_NAME',
      default: 'runner-1',
      doc: 'Name of this runner (`worker` in the API).',
      form: NAME,
    }),
    advertiseHost: text({
      env: 'CAMOFLEET_RUNNER_ADVERTISE_HOST',
      default: '127.0.0.1',
      doc: "This replica's own address: RFB servers bind it and tokens lead to it. Of the addresses behind a name, and of those of a network (10.0.0.0/24), this machine's own is taken.",
      form: PLACES,
    }),
    publishedHost: text({
      env: 'CAMOFLEET_RUNNER_PUBLISHED_HOST',
      default: '',
      doc: 'Where tokens lead to instead, when RFB is published at another address than the one that it is bound to; empty: the same.',
      form: { test: (value) => value === '' || isHost(value), want: 'a host name or an IP address, or nothing' },
    }),
    serviceKeyFile: filePath({
      env: 'CAMOFLEET_RUNNER_SERVICE_KEY_FILE',
      default: '',
      doc: 'Service key that callers of the API must show, mode 0600.',
    }),
    stateDir: filePath({
      env: 'CAMOFLEET_RUNNER_STATE_DIR',
      default: '',
      doc: 'Folder for cookies, password files and browser profiles, mode 0700; empty makes one under the system folder for temporary files.',
    }),
    corsOrigins: list({
      env: 'RUNNER_CORS_ORIGINS',
      default: [],
      doc: 'Origins that browsers may call the API from.',
      items: ORIGINS,
    }),
    cleanupIntervalSeconds: seconds({
      env: 'RUNNER_CLEANUP_INTERVAL',
      default: 5,
      min: 0.1,
      doc: 'Time between looks for sessions that are past their idle TTL.',
    }),
    idleTtlSeconds: seconds({
      env: 'RUNNER_SESSION_DEFAULTS__IDLE_TTL_SECONDS',
      default: 300,
      doc: 'A session that nobody views or touches ends after this long; 0 never.',
    }),
    headless: bool({
      env: 'RUNNER_SESSION_DEFAULTS__HEADLESS',
      default: false,
      doc: 'Whether sessions are headless (no picture) unless asked otherwise.',
    }),
    startUrl: text({
      env: 'RUNNER_SESSION_DEFAULTS__START_URL',
      default: 'about:blank',
      doc: 'First page of the browser unless asked otherwise.',
    }),
    startUrlWait: choice(['none', 'domcontentloaded', 'load'], {
      env: 'RUNNER_START_URL_WAIT',
      default: 'none',
      doc: 'What a session waits for before it is ready: with `none` a window is enough; else how far its start page is, where the browser tells. Chromium does, over its DevTools pipe, which sets `navigator.webdriver`.',
    }),
    displayMin: count({ env: 'RUNNER_VNC_DISPLAY_MIN', default: 100, doc: 'First X display.' }),
    displayMax: count({ env: 'RUNNER_VNC_DISPLAY_MAX', default: 199, doc: 'Last X display.' }),
    rfbPortMin: port({ env: 'RUNNER_VNC_PORT_MIN', default: 5900, min: 1, doc: 'First RFB port.' }),
    rfbPortMax: port({ env: 'RUNNER_VNC_PORT_MAX', default: 5999, min: 1, doc: 'Last RFB port.' }),
    wsPortMin: port({ env: 'RUNNER_VNC_WS_PORT_MIN', default: 6900, min: 1, doc: 'First legacy numeric id.' }),
    wsPortMax: port({ env: 'RUNNER_VNC_WS_PORT_MAX', default: 6999, min: 1, doc: 'Last legacy numeric id.' }),
    resolution: text({
      env: 'RUNNER_VNC_RESOLUTION',
      default: '1920x1080x24',
      doc: 'Width x height x depth of a display.',
      form: RESOLUTION,
    }),
    wsBase: url(
      {
        env: 'RUNNER_VNC_WS_BASE',
        default: '',
        doc: 'For use without a control plane: base of `vnc.ws`, to which `/websockify?token=` and the legacy id are added. Viewers are asked for the password of `target`.',
      },
      ['ws:', 'wss:'],
    ),
    httpBase: url({
      env: 'RUNNER_VNC_HTTP_BASE',
      default: '',
      doc: 'For use without a control plane: base of `vnc.http`, to which `/vnc/` and the legacy id are added.',
    }),
    startupTimeoutSeconds: seconds({
      env: 'RUNNER_VNC_STARTUP_TIMEOUT_SECONDS',
      default: 15,
      min: 1,
      doc: 'Budget of one session from nothing to ServerInit.',
    }),
    prewarmHeadless: count({ env: 'RUNNER_PREWARM_HEADLESS', default: 0, doc: 'Headless sessions kept ready.' }),
    prewarmVnc: count({ env: 'RUNNER_PREWARM_VNC', default: 0, doc: 'Sessions with a picture kept ready.' }),
    prewarmCheckIntervalSeconds: seconds({
      env: 'RUNNER_PREWARM_CHECK_INTERVAL_SECONDS',
      default: 5,
      min: 0.1,
      doc: 'Time between looks at the prewarmed sessions.',
    }),
    browsers: json<ReadonlyMap<string, BrowserSetting>>(
      {
        env: 'CAMOFLEET_RUNNER_BROWSERS',
        default: new Map(),
        doc: 'Browsers by name: `{"chromium": {"command": ["chromium", "…"]}}`. The API takes a name, never a command line. `{profile}`, `{url}`, `{width}` and `{height}` in an argument are filled in. `"playwright": true`: the command is a Playwright server (`camoufox-js server`, `playwright launch-server`); the endpoint that it prints is handed out as `ws_endpoint`.',
      },
      parseBrowsers,
    ),
    defaultBrowser: text({
      env: 'CAMOFLEET_RUNNER_DEFAULT_BROWSER',
      default: '',
      doc: 'Browser of a session that names none; empty takes the first one that is installed, else the test card.',
    }),
    maxSessions: count({
      env: 'CAMOFLEET_RUNNER_MAX_SESSIONS',
      default: 20,
      min: 1,
      doc: 'Sessions at a time; beyond it creating one is answered 503.',
    }),
    stopGraceMs: millis({
      env: 'CAMOFLEET_RUNNER_STOP_GRACE_MS',
      default: 2_000,
      doc: 'Time that a process of a session has between SIGTERM and SIGKILL.',
    }),
    logLevel: choice(['debug', 'info', 'warn', 'error'], {
      env: 'CAMOFLEET_RUNNER_LOG_LEVEL',
      default: 'info',
      doc: 'Least level that is logged.',
    }),
  },
  [
    {
      of: ['displayMin', 'displayMax'],
      broken: ({ displayMin, displayMax }) => reversed('RUNNER_VNC_DISPLAY', displayMin, displayMax),
    },
    {
      of: ['rfbPortMin', 'rfbPortMax'],
      broken: ({ rfbPortMin, rfbPortMax }) => reversed('RUNNER_VNC_PORT', rfbPortMin, rfbPortMax),
    },
    {
      of: ['wsPortMin', 'wsPortMax'],
      broken: ({ wsPortMin, wsPortMax }) => reversed('RUNNER_VNC_WS_PORT', wsPortMin, wsPortMax),
    },
    {
      of: ['wsBase', 'httpBase'],
      broken: ({ wsBase, httpBase }) =>
        (wsBase === '') === (httpBase === '')
          ? undefined
          : 'RUNNER_VNC_WS_BASE and RUNNER_VNC_HTTP_BASE must both be set, or neither',
    },
  ],
);

export type RunnerConfig = ConfigOf<typeof runnerSettings>;

function reversed(name: string, min: number, max: number): string | undefined {
  return min <= max ? undefined : `${name}_MIN must not be above ${name}_MAX, got ${min} and ${max}`;
}
