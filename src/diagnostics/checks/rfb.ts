import { SECURITY_NAMES } from '../../rfb/index.js';
import { readCard } from '../../testcard/index.js';
import type { Check, Verdict } from '../check.js';
import type { DialFacts, Stage } from '../probe/facts.js';
import { type CheckContext, DIAL_BUDGET_MS } from './context.js';
import { failed, ms } from './reach.js';

const UPGRADED = ['control.sessions', 'upgrade.status', 'upgrade.accept', 'upgrade.subprotocol', 'upgrade.extensions'];

/** The outermost vantage point that is known; a run without a public URL looks at RFB from inside. */
function outermost(context: CheckContext): 'public' | 'gateway' | 'rfb' | undefined {
  const targets = context.subject?.targets ?? {};
  return targets.public ? 'public' : targets.gateway ? 'gateway' : targets.rfb ? 'rfb' : undefined;
}

function rfbCheck(
  id: string,
  title: string,
  needs: readonly string[],
  stage: Stage,
  saw: (facts: DialFacts) => string,
  hop: 'gateway' | 'runner' = 'runner',
): Check<CheckContext> {
  return {
    id,
    hop,
    title,
    needs: [...UPGRADED, ...needs],
    budgetMs: DIAL_BUDGET_MS,
    run: async (context): Promise<Verdict> => {
      const vantage = outermost(context);
      if (!vantage) return { status: 'skip', because: 'no vantage point is known' };
      const { facts } = await context.dial(context.subject!, vantage);
      return facts.stage === stage ? failed(facts, title) : { status: 'pass', saw: saw(facts) };
    },
  };
}

export const rfbChecks: readonly Check<CheckContext>[] = [
  rfbCheck(
    'rfb.greeting',
    'the RFB greeting comes',
    [],
    'greeting',
    ({ rfb }) => `RFB ${rfb?.version} after ${ms(rfb?.greetingMs)}`,
    'gateway',
  ),
  rfbCheck(
    'rfb.security',
    'the viewer is let in without a password',
    ['rfb.greeting'],
    'security',
    ({ rfb }) => (rfb?.types ?? []).map((type) => SECURITY_NAMES[type] ?? `type ${type}`).join(', '),
    'gateway',
  ),
  rfbCheck(
    'rfb.serverInit',
    'ServerInit comes',
    ['rfb.security'],
    'serverInit',
    ({ rfb }) => `${rfb?.width}x${rfb?.height} after ${ms(rfb?.initMs)}`,
  ),
  rfbCheck(
    'rfb.firstFrame',
    'a first framebuffer update comes',
    ['rfb.serverInit'],
    'frame',
    ({ frame }) => `${frame?.pixels} pixels after ${ms(frame?.tookMs)}`,
  ),
  {
    id: 'testcard.readable',
    hop: 'runner',
    title: 'the test card can be read back from the pixels',
    needs: ['control.sessions', 'rfb.firstFrame'],
    budgetMs: DIAL_BUDGET_MS,
    run: async (context) => {
      const card = context.prepared.subjects.find(({ isTestCard, targets }) => isTestCard && targets.public);
      if (!card) return { status: 'skip', because: 'no test card is part of this run' };
      const { stream, facts } = await context.dial(card, 'public');
      if (!stream?.picture) return { status: 'unknown', because: facts.failure ?? 'no picture was kept' };
      const read = readCard(stream.picture);
      if (!read.ok)
        return {
          status: 'fail',
          saw: read.error,
          want: 'cells with a right checksum',
          code: 'CF-RUNNER-PICTURE',
          confidence: 'likely',
        };
      return {
        status: 'pass',
        saw: `frame ${read.value.frame}, drawn ${new Date(read.value.epochMs).toISOString().slice(11, 23)}`,
      };
    },
  },
];
