import { formatMs } from '../../report/index.js';
import type { Timer } from './timers.js';

/** A third of a timer, so that two pings may be lost; whole seconds where there are any. */
export function pingEveryMs(limitMs: number): number {
  const third = limitMs / 3;
  return third < 1_000
    ? Math.max(100, Math.floor(third / 100) * 100)
    : Math.min(25_000, Math.floor(third / 1_000) * 1_000);
}

/** What of the timers of proxies has to be raised, by product; Traefik has none that ends an open socket. */
export const RAISE =
  'nginx: proxy_read_timeout 3600s and proxy_send_timeout 3600s; HAProxy: timeout tunnel 1h; a CDN or load balancer: its idle timeout; Traefik: none';

/** The one thing to set at the edge, with the figure of this run. */
export function edgeRemedy({ best, counted, isRace, serverPingsEveryMs }: Timer): string | undefined {
  const every = formatMs(pingEveryMs(best.limit));
  const now = isRace && serverPingsEveryMs !== null ? ` (now every ${formatMs(serverPingsEveryMs)})` : '';
  if (counted === 'wire')
    return `Raise the idle timer there (${RAISE}), or let the gateway ping at most every ${every}${now}: gateway.pingIntervalMs ${pingEveryMs(best.limit)} in camofleet.yaml, WS_PING_INTERVAL_MS`;
  if (counted === 'messages') return `Raise the idle timer there (${RAISE}): it counts messages, so pings do not help`;
  return undefined;
}

/** The one thing to set at the gateway, with the figure of this run. */
export function gatewayRemedy({ best, counted }: Timer): string | undefined {
  if (counted === 'messages')
    return `Let the idle clock of the gateway count both directions and pongs, and ping every 20 s; its read timeout of ${formatMs(best.limit)} off, or hours long`;
  if (counted === 'wire')
    return `Let the gateway ping at most every ${formatMs(pingEveryMs(best.limit))} (WS_PING_INTERVAL_MS ${pingEveryMs(best.limit)}), or raise its idle timeout of ${formatMs(best.limit)}`;
  return undefined;
}
