import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Stage } from '../stage.js';

export interface SmallFleet {
  /** The API of the control plane. */
  readonly api: string;
  /** The header that its operator shows. */
  readonly authorization: string;
  readonly logs: { readonly gateway: string; readonly runner: string; readonly control: string };
}

interface SmallFleetOptions {
  /** What stands in the URLs that are handed out; the default is right. */
  readonly publicHost?: (gatewayPort: number) => string;
}

const FLEET = 'desks';

/** Runner, control plane and gateway of the built command line, without an ingress, on loopback. */
export async function startSmallFleet(stage: Stage, options: SmallFleetOptions = {}): Promise<SmallFleet> {
  const { publicHost = (port) => `127.0.0.1:${port}` } = options;
  const made = await stage.camofleet(['init', '--yes']);
  await made.exited;
  const secret = (name: string): string => join(stage.folder, '.camofleet', 'secrets', name);
  const [runnerPort, controlPort, internalPort, gatewayPort, rfbPort] = await Promise.all(
    Array.from({ length: 5 }, () => stage.port()),
  );
  const keys = { CAMOFLEET_GATEWAY_TOKEN_KEYS_FILE: secret('token-keys.json') };
  const runner = await stage.camofleet(['runner'], {
    port: runnerPort!,
    env: {
      RUNNER_HOST: '127.0.0.1',
      RUNNER_PORT: String(runnerPort),
      CAMOFLEET_RUNNER_INTERNAL_PORT: '0',
      CAMOFLEET_RUNNER_SERVICE_KEY_FILE: secret('service.key'),
      CAMOFLEET_RUNNER_STATE_DIR: join(stage.folder, 'sessions'),
      RUNNER_VNC_PORT_MIN: String(rfbPort),
      RUNNER_VNC_PORT_MAX: String(rfbPort! + 9),
    },
  });
  const host = publicHost(gatewayPort!);
  const worker = {
    name: 'runner-1',
    url: `http://127.0.0.1:${runnerPort}`,
    vnc_ws: `ws://${host}/websockify?token={id}`,
    vnc_http: `http://${host}/vnc/{id}`,
  };
  const control = await stage.camofleet(['control'], {
    port: controlPort!,
    env: {
      CONTROL_HOST: '127.0.0.1',
      CONTROL_PORT: String(controlPort),
      CAMOFLEET_CONTROL_INTERNAL_PORT: String(internalPort),
      CAMOFLEET_CONTROL_FLEET_ID: FLEET,
      CAMOFLEET_CONTROL_TOKEN_KEYS_FILE: secret('token-keys.json'),
      CAMOFLEET_CONTROL_OPERATOR_KEY_FILE: secret('operator.key'),
      CAMOFLEET_CONTROL_SERVICE_KEY_FILE: secret('service.key'),
      CONTROL_WORKERS: JSON.stringify([worker]),
    },
  });
  const gateway = await stage.camofleet(['gateway'], {
    port: gatewayPort!,
    env: {
      HTTP_HOST: '127.0.0.1',
      HTTP_PORT: String(gatewayPort),
      CAMOFLEET_GATEWAY_INTERNAL_PORT: '0',
      CAMOFLEET_GATEWAY_FLEET_ID: FLEET,
      CAMOFLEET_GATEWAY_ALLOWED_TARGETS: '127.0.0.1:1-65535',
      CAMOFLEET_GATEWAY_ALLOWED_ORIGINS: '*',
      ...keys,
    },
  });
  return {
    api: `http://127.0.0.1:${controlPort}`,
    authorization: `Authorization: Bearer ${(await readFile(secret('operator.key'), 'utf8')).trim()}`,
    logs: { gateway: gateway.logFile, runner: runner.logFile, control: control.logFile },
  };
}
