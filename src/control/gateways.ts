import { request } from 'undici';
import { urlHost } from '../core/index.js';
import type { ControlConfig } from '../settings/index.js';
import type { Resolve } from './discovery.js';

/** A dynamic configuration of Traefik: the one service that has replicas. */
export interface GatewayService {
  readonly http: {
    readonly services: {
      readonly gateway: {
        readonly loadBalancer: {
          readonly serversTransport: string;
          readonly servers: readonly { readonly url: string }[];
          readonly healthCheck?: { readonly path: string; readonly interval: string; readonly timeout: string };
        };
      };
    };
  };
}

const READY_PATH = '/readyz';
/** Declared beside the routes, in Traefik's file. */
const TRANSPORT = 'fleet@file';

type GatewaySettings = Pick<ControlConfig, 'gatewaysUrl' | 'gatewayHealthIntervalMs' | 'gatewayHealthTimeoutMs'>;

/**
 * Tells the ingress of the gateways behind their shared name: those that take sockets, one by one. Where none does, all
 * are named, because their own answer says why; where the name does not resolve, the name itself is.
 */
export async function gatewayService(config: GatewaySettings, resolve: Resolve): Promise<GatewayService> {
  const servers = await serversBehind(config, resolve);
  const healthCheck = {
    path: READY_PATH,
    interval: `${config.gatewayHealthIntervalMs}ms`,
    timeout: `${config.gatewayHealthTimeoutMs}ms`,
  };
  // One alone is not asked again by the ingress: there is nobody else to send viewers to.
  const loadBalancer = { serversTransport: TRANSPORT, servers, ...(servers.length > 1 && { healthCheck }) };
  return { http: { services: { gateway: { loadBalancer } } } };
}

async function serversBehind(
  { gatewaysUrl, gatewayHealthTimeoutMs }: GatewaySettings,
  resolve: Resolve,
): Promise<readonly { readonly url: string }[]> {
  const name = new URL(gatewaysUrl);
  const addresses = await resolve(name.hostname).catch(() => []); // none runs, or none can be seen now
  if (addresses.length === 0) return [{ url: name.origin }];
  const urls = addresses.map((address) => `http://${urlHost(address)}:${name.port || '80'}`).toSorted();
  if (urls.length === 1) return [{ url: urls[0]! }];
  const ready = await Promise.all(urls.map((url) => takesSockets(url, gatewayHealthTimeoutMs)));
  const able = urls.filter((_url, index) => ready[index]);
  return (able.length > 0 ? able : urls).map((url) => ({ url }));
}

async function takesSockets(url: string, timeoutMs: number): Promise<boolean> {
  try {
    const { statusCode, body } = await request(`${url}${READY_PATH}`, { signal: AbortSignal.timeout(timeoutMs) });
    await body.dump();
    return statusCode === 200;
  } catch {
    return false; // it starts, or has gone: asked again at the next look
  }
}
