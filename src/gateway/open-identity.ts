import { isLoopback } from '../core/index.js';
import type { GatewayConfig } from '../settings/index.js';
import { openIdentity } from './events.js';

/** What lets ids in without a token on an address that others reach; `/readyz` says it for as long as it is so. */
export function openIdentityWarnings(config: GatewayConfig): string[] {
  const open = [
    ...(config.identity === 'open' ? ['gateway.identity'] : []),
    ...(config.mapJson.size > 0 ? ['VNC_MAP_JSON'] : []),
    ...(config.defaultHost === '' ? [] : ['VNC_DEFAULT_HOST']),
  ];
  return open.length === 0 || isLoopback(config.host) ? [] : [`${open.join(' and ')} let ids in without a token`];
}

/** Says it in the log, at the start. */
export function announceOpenIdentity(config: GatewayConfig): void {
  for (const why of openIdentityWarnings(config)) openIdentity.publish({ host: config.host, why });
}
