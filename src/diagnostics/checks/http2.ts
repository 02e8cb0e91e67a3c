import type { Check, Verdict } from '../check.js';
import type { Http2Facts } from '../probe/http2.js';
import { type CheckContext, DIAL_BUDGET_MS } from './context.js';

/** Browsers use an HTTP/2 connection that they have, where extended CONNECT is on offer; tools never do. */
export const http2Check: Check<CheckContext> = {
  id: 'upgrade.http2',
  hop: 'traefik',
  title: 'WebSocket over HTTP/2 opens where it is offered',
  needs: ['upgrade.status', 'upgrade.again'],
  applies: ({ front }) => front?.vantage === 'public' && front.target.kind === 'socket' && isTls(front.target.url),
  budgetMs: DIAL_BUDGET_MS,
  run: async ({ http2 }) => judgeHttp2(await http2()),
};

/** By HTTP/1.1 the same socket opened before. */
export function judgeHttp2(facts: Http2Facts | undefined): Verdict {
  if (!facts) return { status: 'skip', because: 'HTTP/2 could not be tried' };
  if (!facts.offered) return { status: 'pass', saw: 'not on offer: browsers use HTTP/1.1' };
  if (facts.opens) return { status: 'pass', saw: 'opens' };
  return {
    status: 'fail',
    saw: `extended CONNECT is on offer in SETTINGS and fails (${facts.saw}); by HTTP/1.1 the same socket opens`,
    want: 'an extended CONNECT that opens, or none on offer',
    code: 'CF-TRAEFIK-H2',
    confidence: 'likely',
  };
}

function isTls({ protocol }: URL): boolean {
  return protocol === 'wss:';
}
