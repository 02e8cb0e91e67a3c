import type { Check, Verdict } from '../check.js';
import type { Code } from '../codes.js';
import type { DialFacts } from '../probe/facts.js';
import { againCheck } from './again.js';
import type { CheckContext } from './context.js';
import { frontCheck, isPast } from './dialled.js';
import { http2Check } from './http2.js';
import { refused } from './refused.js';
import { judgeSubprotocol } from './subprotocol.js';

const REACHED = ['network.connects', 'tls.trusted', 'control.sessions'];

function upgradeCheck(
  id: string,
  title: string,
  needs: readonly string[],
  judge: Parameters<typeof frontCheck>[0]['judge'],
): Check<CheckContext> {
  const applies = ({ front }: CheckContext): boolean => front?.target.kind === 'socket';
  return frontCheck({ id, hop: 'gateway', title, needs: [...REACHED, ...needs], applies, judge });
}

export const upgradeChecks: readonly Check<CheckContext>[] = [
  frontCheck({
    id: 'upgrade.answer',
    hop: 'traefik',
    title: 'the upgrade is answered',
    needs: REACHED,
    applies: ({ front }) => front?.vantage === 'public',
    judge: async (facts, context, vantage) =>
      facts.http
        ? { status: 'pass', saw: `HTTP ${facts.http.status}`, tookMs: facts.http.tookMs }
        : refused(facts, 'an answer of HTTP', context, vantage),
  }),
  upgradeCheck('upgrade.status', 'the answer is 101', ['upgrade.answer'], async (facts, context, vantage) =>
    isPast(facts, 'http')
      ? { status: 'pass', saw: '101', tookMs: 0 }
      : refused(facts, '101 Switching Protocols', context, vantage),
  ),
  againCheck,
  upgradeCheck('upgrade.accept', 'Sec-WebSocket-Accept is right', ['upgrade.status'], async (facts, context) => {
    const saw = facts.http?.headers['sec-websocket-accept'];
    if (isAccepted(facts)) return { status: 'pass', saw: 'recomputed from the key: correct' };
    const { subject, front } = context;
    const isBeside = front?.vantage === 'public' && subject?.targets.gateway !== undefined;
    const inner = isBeside ? (await context.dial(subject, 'gateway')).facts : undefined;
    const verdict = wrong(facts, saw ?? 'none', facts.http?.wantedAccept ?? 'an answer');
    if (!inner || !isAccepted(inner)) return verdict;
    const seen = `${saw ?? 'none'}; the gateway itself, dialled past the proxies, answers as it should`;
    return { ...verdict, saw: seen, code: 'CF-EDGE-UPGRADE', hop: 'edge', confidence: 'proven', remedy: KEEP_KEY };
  }),
  upgradeCheck(
    'upgrade.subprotocol',
    'the subprotocol is one that was offered, or none where none was',
    ['upgrade.status', 'upgrade.again'],
    async (facts, context) => {
      const { subject } = context;
      const inner = subject?.targets.gateway && (await context.dial(subject, 'gateway')).facts;
      return judgeSubprotocol({ offering: facts, silent: await context.silent(), inner });
    },
  ),
  upgradeCheck('upgrade.extensions', 'no extension was agreed on that nobody offered', ['upgrade.status'], (facts) => {
    const saw = facts.http?.headers['sec-websocket-extensions'];
    return saw === undefined ? { status: 'pass', saw: 'none' } : wrong(facts, saw, 'none: none was offered');
  }),
  http2Check,
];

const KEEP_KEY =
  'Pass Sec-WebSocket-Key and Sec-WebSocket-Accept on as they come: no proxy_set_header, request or response rule for Sec-WebSocket-* in the proxy in front, and no cache between';

function isAccepted({ http }: DialFacts): boolean {
  return http !== undefined && http.headers['sec-websocket-accept'] === http.wantedAccept;
}

function wrong({ http }: DialFacts, saw: string, want: string): Extract<Verdict, { readonly code: Code }> {
  return { status: 'fail', saw, want, code: 'CF-GATEWAY-UPGRADE', confidence: 'likely', wsKey: http?.key };
}
