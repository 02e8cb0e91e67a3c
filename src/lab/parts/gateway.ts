import type { RunningProcess } from '../../processes/index.js';
import type { Stage } from '../stage.js';

export interface GatewayPart {
  readonly port: number;
  /** `/vnc/ID/websockify`, the path of the socket; the viewer page is `/vnc/ID/`. */
  readonly path: string;
  /** `ws://HOST:PORT/vnc/ID/websockify` */
  readonly url: string;
  /** Its log, JSON lines. */
  readonly log: string;
  readonly process: RunningProcess;
}

interface GatewayOptions {
  /** The RFB server that the id leads to. */
  readonly rfb: { readonly host?: string; readonly port: number };
  readonly id?: string;
  /** The address that it listens on. */
  readonly host?: string;
  readonly port?: number;
  readonly env?: Readonly<Record<string, string>>;
  readonly namespace?: string;
}

/** The gateway of the built command line, with one open id. */
export async function startGateway(stage: Stage, options: GatewayOptions): Promise<GatewayPart> {
  const { id = 'desk', host = '127.0.0.1', namespace } = options;
  const port = options.port ?? (await stage.port());
  const process = await stage.camofleet(['gateway'], {
    env: {
      HTTP_HOST: host,
      HTTP_PORT: String(port),
      CAMOFLEET_GATEWAY_INTERNAL_PORT: '0',
      CAMOFLEET_GATEWAY_ALLOWED_ORIGINS: '*',
      VNC_MAP_JSON: JSON.stringify({ [id]: { host: options.rfb.host ?? '127.0.0.1', port: options.rfb.port } }),
      ...options.env,
    },
    port,
    namespace,
  });
  const path = `/vnc/${id}/websockify`;
  return { port, path, url: `ws://${host}:${port}${path}`, log: process.logFile, process };
}
