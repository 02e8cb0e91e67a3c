import type { Check, Verdict } from '../check.js';
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
  upgradeCheck('upgrade.accept', 'Sec-WebSocket-Accept is right', ['upgrade.status'], (facts) => {
    const saw = facts.http?.headers['sec-websocket-accept'];
    if (facts.http && saw === facts.http.wantedAccept)
      return { status: 'pass', saw: 'recomputed from the key: correct' };
    return wrong(facts, saw ?? 'none', facts.http?.wantedAccept ?? 'an answer');
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

function wrong({ http }: DialFacts, saw: string, want: string): Verdict {
  return { status: 'fail', saw, want, code: 'CF-GATEWAY-UPGRADE', confidence: 'likely', wsKey: http?.key };
}
