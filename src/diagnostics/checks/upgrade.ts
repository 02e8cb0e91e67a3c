import type { Check, Verdict } from '../check.js';
import type { DialFacts } from '../probe/facts.js';
import type { CheckContext } from './context.js';
import { failed, frontCheck, isPast, opensInside } from './dialled.js';

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
        : failed(facts, 'an answer of HTTP', vantage, await opensInside(context)),
  }),
  upgradeCheck('upgrade.status', 'the answer is 101', ['upgrade.answer'], async (facts, context, vantage) =>
    isPast(facts, 'http')
      ? { status: 'pass', saw: '101', tookMs: 0 }
      : failed(facts, '101 Switching Protocols', vantage, await opensInside(context)),
  ),
  upgradeCheck('upgrade.accept', 'Sec-WebSocket-Accept is right', ['upgrade.status'], (facts) => {
    const saw = facts.http?.headers['sec-websocket-accept'];
    if (facts.http && saw === facts.http.wantedAccept)
      return { status: 'pass', saw: 'recomputed from the key: correct' };
    return wrong(facts, saw ?? 'none', facts.http?.wantedAccept ?? 'an answer');
  }),
  upgradeCheck('upgrade.subprotocol', 'the subprotocol is the one that was offered', ['upgrade.status'], (facts) => {
    const saw = facts.http?.headers['sec-websocket-protocol'];
    return saw === 'binary' ? { status: 'pass', saw } : wrong(facts, saw ?? 'none, and browsers reject that', 'binary');
  }),
  upgradeCheck('upgrade.extensions', 'no extension was agreed on that nobody offered', ['upgrade.status'], (facts) => {
    const saw = facts.http?.headers['sec-websocket-extensions'];
    return saw === undefined ? { status: 'pass', saw: 'none' } : wrong(facts, saw, 'none: none was offered');
  }),
];

function wrong({ http }: DialFacts, saw: string, want: string): Verdict {
  return { status: 'fail', saw, want, code: 'CF-GATEWAY-UPGRADE', confidence: 'likely', wsKey: http?.key };
}
