/**
 * Every setting of every service, declared once: name, default, validation, documentation.
 * Services read their own; the engines write them; `config explain` and the docs print them.
 */
import { controlSettings } from './control.js';
import { gatewaySettings } from './gateway.js';
import { runnerSettings } from './runner.js';

export { SETTINGS_CHANNELS, announceIgnored } from '../config/index.js';
export { CONTROL_MEMORY, type ControlConfig, controlSettings } from './control.js';
export { type GatewayConfig, type MapEntry, gatewaySettings } from './gateway.js';
export { BROWSER_NAME, NAME, NETWORKS, NO_BROWSER, ORIGINS, RESOLUTION, SUBNET, TEST_CARDS } from './forms.js';
export type { BrowserSetting } from './browsers.js';
export { type RunnerConfig, runnerSettings } from './runner.js';

export const SERVICES = { gateway: gatewaySettings, runner: runnerSettings, control: controlSettings } as const;

export type ServiceName = keyof typeof SERVICES;

/** Where control's internal listener tells Traefik of the gateways. */
export const GATEWAYS_PATH = '/ingress/gateways';

/** Names under our prefixes that are not settings of a service. */
const TOOL_NAMES = [
  'CAMOFLEET_REQUIRE_REAL',
  'CAMOFLEET_TOPOLOGY',
  'CAMOFLEET_OPERATOR_KEY',
  'CAMOFLEET_LIFELINE_FD',
  'CAMOFLEET_GATEWAY_WORKER',
  'CAMOFLEET_DETACHED',
  'CAMOFLEET_DIR',
];

/** Every name that is somebody's: an environment shared by all services is no error. */
export const KNOWN_NAMES: readonly string[] = [
  ...TOOL_NAMES,
  ...Object.values(SERVICES).flatMap((service) => Object.values(service.fields).map((field) => field.env)),
];
