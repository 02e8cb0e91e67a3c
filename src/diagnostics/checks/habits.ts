import type { Check } from '../check.js';
import type { DialFacts } from '../probe/facts.js';
import type { Front } from '../subjects/index.js';
import { type CheckContext, DIAL_BUDGET_MS } from './context.js';

/** The innermost socket that can be dialled: what it does is the gateway's own doing. */
function innermostSocket({ subject, front }: CheckContext): Front | undefined {
  const gateway = subject?.targets.gateway;
  if (gateway) return { vantage: 'gateway', target: gateway };
  return front?.target.kind === 'socket' ? front : undefined;
}

const SEEN = ['rfb.firstFrame'];

/** What goes wrong with a path that shows its picture. */
export const habitChecks: readonly Check<CheckContext>[] = [
  {
    id: 'gateway.compression',
    hop: 'gateway',
    title: 'compression is understood where it is agreed on',
    needs: SEEN,
    applies: (context) => innermostSocket(context) !== undefined,
    budgetMs: DIAL_BUDGET_MS,
    run: async (context) => {
      const { front, trials } = context;
      const trial = front && (await trials.deflate(front.target));
      if (!trial) return { status: 'skip', because: 'the socket did not open again' };
      if (!trial.agreed) return { status: 'pass', saw: 'not agreed on' };
      if (trial.understood) return { status: 'pass', saw: 'permessage-deflate, spoken as agreed' };
      const saw = `permessage-deflate was agreed on; a compressed message got ${trial.saw}`;
      return { status: 'fail', saw, want: 'an answer', code: 'CF-GATEWAY-FRAMES', confidence: 'proven' };
    },
  },
  {
    id: 'gateway.desktop',
    hop: 'gateway',
    title: 'the desktop is the one that was asked for',
    needs: SEEN,
    applies: ({ subject, front }) =>
      front?.target.kind === 'socket' && (subject?.targets.rfb !== undefined || hasCookie(front.target.headers)),
    budgetMs: DIAL_BUDGET_MS,
    run: async ({ subject, front, dial, trials }) => {
      if (!subject || !front) return { status: 'skip', because: 'there is no session to look at' };
      const saw = desktopIn((await front.dial()).facts);
      const raw = subject.targets.rfb && (await dial(subject, 'rfb')).facts;
      const other = raw ?? (await trials.without(front.target, 'cookie'));
      const want = other && desktopIn(other);
      if (saw === undefined || want === undefined)
        return { status: 'skip', because: 'one of the two shows no desktop' };
      if (saw === want) return { status: 'pass', saw, tookMs: 0 };
      const seen = raw ? saw : `${saw}; without the cookies of this run ${want}`;
      return { status: 'fail', saw: seen, want, code: 'CF-GATEWAY-CROSSED', confidence: 'likely' };
    },
  },
  {
    id: 'gateway.farewell',
    hop: 'gateway',
    title: 'a socket whose viewer has left is let go of',
    needs: SEEN,
    applies: (context) => innermostSocket(context) !== undefined,
    budgetMs: DIAL_BUDGET_MS,
    run: async (context) => {
      const socket = innermostSocket(context);
      const keptMs = socket && (await context.trials.leave(socket.target));
      if (keptMs === undefined) return { status: 'skip', because: 'the socket did not open again' };
      if (keptMs !== Number.POSITIVE_INFINITY)
        return { status: 'pass', saw: `let go of after ${Math.round(keptMs)} ms` };
      return {
        status: 'warn',
        saw: 'it stayed open, seconds after the FIN of its viewer',
        want: 'a FIN back',
        code: 'CF-GATEWAY-HALF-CLOSED',
        confidence: socket?.vantage === 'gateway' ? 'proven' : 'likely',
      };
    },
  },
];

function hasCookie(headers: Readonly<Record<string, string>>): boolean {
  return Object.keys(headers).some((name) => name.toLowerCase() === 'cookie');
}

function desktopIn({ rfb }: DialFacts): string | undefined {
  return rfb?.name === undefined ? undefined : `${rfb.width}x${rfb.height}, called ${JSON.stringify(rfb.name)}`;
}
