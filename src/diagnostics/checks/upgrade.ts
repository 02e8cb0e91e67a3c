import type { Check } from '../check.js';
import { type CheckContext, DIAL_BUDGET_MS } from './context.js';
import { failed } from './reach.js';

const REACHED = ['control.sessions', 'network.connects', 'tls.trusted'];

function upgradeCheck(
  id: string,
  title: string,
  needs: readonly string[],
  run: Check<CheckContext>['run'],
): Check<CheckContext> {
  return {
    id,
    hop: id === 'upgrade.status' ? 'traefik' : 'gateway',
    title,
    needs: [...REACHED, ...needs],
    budgetMs: DIAL_BUDGET_MS,
    run: async (context) =>
      context.subject?.targets.public ? run(context) : { status: 'skip', because: 'no public URL is known' },
  };
}

export const upgradeChecks: readonly Check<CheckContext>[] = [
  upgradeCheck('upgrade.status', 'the upgrade is answered 101', [], async (context) => {
    const { facts } = await context.dial(context.subject!, 'public');
    if (facts.stage === 'http') return failed(facts, '101 Switching Protocols');
    return { status: 'pass', saw: '101', tookMs: facts.http?.tookMs };
  }),
  upgradeCheck('upgrade.accept', 'Sec-WebSocket-Accept is right', ['upgrade.status'], async (context) => {
    const { http } = (await context.dial(context.subject!, 'public')).facts;
    const saw = http?.headers['sec-websocket-accept'] ?? 'none';
    if (http && saw === http.wantedAccept) return { status: 'pass', saw: 'recomputed from the key: correct' };
    return {
      status: 'fail',
      saw,
      want: http?.wantedAccept ?? 'an answer',
      code: 'CF-GATEWAY-UPGRADE',
      confidence: 'likely',
    };
  }),
  upgradeCheck(
    'upgrade.subprotocol',
    'the subprotocol is one that was offered',
    ['upgrade.status'],
    async (context) => {
      const { http } = (await context.dial(context.subject!, 'public')).facts;
      const saw = http?.headers['sec-websocket-protocol'];
      if (saw === 'binary') return { status: 'pass', saw };
      return {
        status: 'fail',
        saw: saw ?? 'none, and browsers reject that',
        want: 'binary',
        code: 'CF-GATEWAY-UPGRADE',
        confidence: 'likely',
      };
    },
  ),
  upgradeCheck(
    'upgrade.extensions',
    'no extension was agreed on that nobody offered',
    ['upgrade.status'],
    async (context) => {
      const { http } = (await context.dial(context.subject!, 'public')).facts;
      const saw = http?.headers['sec-websocket-extensions'];
      if (saw === undefined) return { status: 'pass', saw: 'none' };
      return { status: 'fail', saw, want: 'none: none was offered', code: 'CF-GATEWAY-UPGRADE', confidence: 'likely' };
    },
  ),
];
