import type { IncomingMessage } from 'node:http';
import { isLoopback } from '../core/index.js';
import { bearerMatches } from '../http/index.js';
import type { ControlConfig } from '../settings/index.js';

const READS = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Whether a request may use the API: with the operator key, or, where the ingress itself is bound to loopback, from a
 * page or program on this host. A mutation without a key must come from a page of ours, so that no other page can make
 * a browser send it.
 */
export function mayUse(request: IncomingMessage, config: ControlConfig, operatorKey: string | undefined): boolean {
  if (operatorKey !== undefined && bearerMatches(request.headers.authorization, operatorKey)) return true;
  if (config.loopbackIngress !== 'yes') return false;
  if (!isLoopback(hostNameOf(request))) return false;
  return READS.has(request.method ?? '') ? hasNoForeignOrigin(request, config) : comesFromOurPage(request, config);
}

/** The host that was typed: what the ingress forwarded, or the request's own. */
function hostNameOf(request: IncomingMessage): string {
  const forwarded = request.headers['x-forwarded-host'];
  const host = (typeof forwarded === 'string' ? forwarded : undefined) ?? request.headers.host ?? '';
  return host.replace(/:\d+$/, '');
}

function hasNoForeignOrigin(request: IncomingMessage, config: ControlConfig): boolean {
  return request.headers.origin === undefined || comesFromOurPage(request, config);
}

function comesFromOurPage(request: IncomingMessage, config: ControlConfig): boolean {
  const { origin } = request.headers;
  if (origin === undefined || !URL.canParse(origin)) return false;
  if (config.publicHosts.includes(origin)) return true;
  const forwarded = request.headers['x-forwarded-host'];
  const host = typeof forwarded === 'string' ? forwarded : request.headers.host;
  return new URL(origin).host === host;
}
