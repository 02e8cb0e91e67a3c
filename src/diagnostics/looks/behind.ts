import type { AccessLine } from '../logs/index.js';
import { type Refusal, type Refuser, isTaken, lookOf } from './judge.js';
import { isOfTraefik } from './redirect.js';

/** The ingress says that it cannot reach what is behind it, and the gateway takes the same handshake: its address is wrong, or the way to it. */
export function judgeBehind(refusal: Refusal): Refuser | undefined {
  const { facts, line } = refusal;
  const { http } = facts;
  const inner = lookOf(refusal, 'inner');
  if (!http || !inner || !isTaken(inner) || !isOfTraefik(http)) return undefined;
  if (http.status === 504)
    return {
      code: 'CF-TRAEFIK-UNREACHABLE',
      confidence: line ? 'proven' : 'likely',
      because: `it waited ${(http.tookMs / 1_000).toFixed(1)} s for ${line?.serviceAddr ?? 'its service'}; the gateway takes the same handshake of whoever dials it directly`,
    };
  if (http.status !== 502 || !isElsewhere(line, inner.url)) return undefined;
  const because = `it dials ${line?.serviceAddr ?? ''}; the gateway that takes the same handshake listens at ${inner.url.host}`;
  return { code: 'CF-TRAEFIK-BACKEND', confidence: 'proven', because };
}

function isElsewhere(line: AccessLine | undefined, { host }: URL): boolean {
  return line?.serviceAddr !== undefined && line.serviceAddr !== host;
}
