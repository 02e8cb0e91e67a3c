import { isLoopback } from '../core/index.js';
import { bearerMatches } from '../http/index.js';
import type { ControlConfig } from '../settings/index.js';

/** What of a request decides whether it may use the API. */
export interface Asker {
  readonly method: string;
  /** Host and port as they were typed; a proxy's word counts only where the proxy is configured. */
  readonly host: string;
  readonly origin: string | undefined;
  readonly authorization: string | undefined;
}

const READS = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Whether a request may use the API: with the operator key, or, where the ingress itself is bound to loopback, from a
 * page or program on this host. A mutation without a key must come from a page of ours, so that no other page can make
 * a browser send it.
 */
export function mayUse(
  asker: Asker,
  config: Pick<ControlConfig, 'loopbackIngress' | 'publicHosts'>,
  operatorKey: string | undefined,
): boolean {
  if (operatorKey !== undefined && bearerMatches(asker.authorization, operatorKey)) return true;
  if (!config.loopbackIngress || !isLoopback(hostNameOf(asker.host))) return false;
  if (asker.origin === undefined) return READS.has(asker.method);
  return isOurPage(asker.origin, asker.host, config.publicHosts);
}

/** `localhost:8443` → `localhost`; what is no host has no name. */
function hostNameOf(host: string): string {
  return URL.canParse(`http://${host}`) ? new URL(`http://${host}`).hostname : '';
}

function isOurPage(origin: string, host: string, publicOrigins: readonly string[]): boolean {
  return publicOrigins.includes(origin) || (URL.canParse(origin) && new URL(origin).host === host);
}
