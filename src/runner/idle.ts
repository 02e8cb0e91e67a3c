import type { SessionPlan } from './plan.js';

/** A viewer keeps a session for so long without a word of control: a connection whose other host vanished looks the same. */
const VIEWED_UNHEARD_MS = 12 * 3_600_000;

interface Usage {
  readonly plan: Pick<SessionPlan, 'idleTtlSeconds' | 'picture'>;
  readonly lastSeenAt: number;
  /** Connections that are open to its RFB port. */
  readonly connections: number;
}

/** Why a session is to end for want of use, in words; undefined while it is not. An open picture is use. */
export function idleBecause({ plan, lastSeenAt, connections }: Usage, now: number): string | undefined {
  if (plan.idleTtlSeconds === 0) return undefined;
  const isViewed = plan.picture && connections > 0;
  const ttlMs = plan.idleTtlSeconds * 1000;
  const unusedMs = now - lastSeenAt;
  if (unusedMs <= (isViewed ? Math.max(ttlMs, VIEWED_UNHEARD_MS) : ttlMs)) return undefined;
  const seconds = Math.floor(unusedMs / 1000);
  return isViewed ? `viewed, but not heard of for ${seconds} s` : `idle for ${seconds} s`;
}
