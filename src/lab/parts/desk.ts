import { startScreen, startX11vnc } from './display.js';
import { type GatewayPart, startGateway } from './gateway.js';
import type { Host } from './network.js';
import type { Stage } from '../stage.js';

/** A still screen, x11vnc on it, and a gateway that leads to it. */
export interface Desk {
  readonly gateway: GatewayPart;
  readonly rfbPort: number;
}

/** What lies behind an ingress, whole and well. */
export async function startDesk(
  stage: Stage,
  {
    host,
    env,
    ...where
  }: { readonly namespace?: string; readonly host?: string; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<Desk> {
  const { display } = await startScreen(stage, where);
  const rfb = await startX11vnc(stage, { display, ...where });
  const gateway = await startGateway(stage, {
    rfb: { port: rfb.port },
    ...where,
    ...(host !== undefined && { host }),
    ...(env && { env }),
  });
  return { gateway, rfbPort: rfb.port };
}

/** The same on hosts of a network: screen and RFB server on one, the gateway there as well or on another. */
export async function startFarDesk(
  stage: Stage,
  server: Host,
  options: {
    readonly gatewayAt?: Host;
    readonly moving?: boolean;
    readonly env?: Readonly<Record<string, string>>;
  } = {},
): Promise<Desk & { readonly rfb: string }> {
  const { gatewayAt = server, moving = false, env = {} } = options;
  const { display } = await startScreen(stage, { moving });
  const { port } = await startX11vnc(stage, { display, listen: server.address, namespace: server.name });
  const gateway = await startGateway(stage, {
    rfb: { host: server.address, port },
    host: gatewayAt.address,
    namespace: gatewayAt.name,
    env,
  });
  return { gateway, rfbPort: port, rfb: `${server.address}:${port}` };
}

/** The flags of somebody who may look at an ingress, at the gateway behind it, and at their logs. */
export function flagsOf(ingress: { readonly port: number; readonly accessLog: string }, desk: Desk): readonly string[] {
  const { gateway, rfbPort } = desk;
  return [
    ...['--url', `ws://127.0.0.1:${ingress.port}${gateway.path}`],
    ...['--gateway', `ws://127.0.0.1:${gateway.port}${gateway.path}`, '--rfb', `127.0.0.1:${rfbPort}`],
    ...['--traefik-log', ingress.accessLog, '--gateway-log', gateway.log],
    ...['--duration', '3s'],
  ];
}
