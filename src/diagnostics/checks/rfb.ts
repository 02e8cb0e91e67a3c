import { SECURITY_NAMES } from '../../rfb/index.js';
import { readCard } from '../../testcard/index.js';
import type { Check, Verdict } from '../check.js';
import { promptnessCheck } from './promptness.js';
import type { DialFacts, Stage } from '../probe/facts.js';
import { wall } from '../trials/index.js';
import type { Code } from '../codes.js';
import { formatBytes } from '../../report/index.js';
import { type CheckContext, DIAL_BUDGET_MS } from './context.js';
import { failed, frontCheck, insideOf, isPast, lockedOut, ms } from './dialled.js';

const BYTES_A_PIXEL = 4;
const UPGRADED = [
  'control.sessions',
  'network.connects',
  'tls.trusted',
  'upgrade.answer',
  'upgrade.status',
  'upgrade.again',
  'upgrade.accept',
  'upgrade.subprotocol',
  'upgrade.extensions',
];

function rfbCheck(
  id: string,
  hop: 'gateway' | 'runner',
  title: string,
  needs: readonly string[],
  stage: Stage,
  saw: (facts: DialFacts) => string,
): Check<CheckContext> {
  return frontCheck({
    id,
    hop,
    title,
    needs: [...UPGRADED, ...needs],
    judge: async (facts, context, vantage) => {
      const because = stage === 'security' ? lockedOut(facts) : undefined;
      if (because !== undefined) return { status: 'skip', because };
      if (isPast(facts, stage)) return { status: 'pass', saw: saw(facts), ...(stage === 'frame' && slowness(facts)) };
      const vanishing = stage === 'frame' && facts.stop === 'silence' ? await sizeWall(context) : undefined;
      if (vanishing) return vanishing;
      return failed(facts, title, vantage, await insideOf(context, vantage));
    },
  });
}

/** A line on which a whole picture takes long: that is told, and nobody is to blame. */
function slowness({ thin, rfb }: DialFacts): { readonly saw: string; readonly told: Code } | undefined {
  if (!thin) return undefined;
  const { bytesPerSecond } = thin;
  const whole = (rfb?.width ?? 0) * (rfb?.height ?? 0) * BYTES_A_PIXEL;
  const saw = `a corner of the picture; the line carries ${formatBytes(bytesPerSecond)} a second, and a whole picture without compression is ${formatBytes(whole)}`;
  return { saw, told: 'CF-NETWORK-SLOW' };
}

/** Pictures up to a size come and larger ones do not: it is no matter of who sends them. */
async function sizeWall({ front, trials }: CheckContext): Promise<Verdict | undefined> {
  const found = front && wall(await trials.sizes(front.target));
  if (!found) return undefined;
  const saw = `a picture of ${found.passes} bytes comes, one of ${found.vanishes} bytes does not, each over a connection of its own`;
  return {
    status: 'fail',
    saw,
    want: 'pictures of every size',
    code: 'CF-NETWORK-MTU',
    hop: 'network',
    confidence: 'proven',
  };
}

export const rfbChecks: readonly Check<CheckContext>[] = [
  rfbCheck(
    'rfb.greeting',
    'gateway',
    'the RFB greeting comes',
    [],
    'greeting',
    ({ rfb }) => `RFB ${rfb?.version} after ${ms(rfb?.greetingMs)}`,
  ),
  promptnessCheck,
  rfbCheck('rfb.security', 'gateway', 'the RFB server lets us in', ['rfb.greeting'], 'security', ({ rfb }) =>
    (rfb?.types ?? []).map((type) => SECURITY_NAMES[type] ?? `type ${type}`).join(', '),
  ),
  rfbCheck(
    'rfb.serverInit',
    'runner',
    'ServerInit comes',
    ['rfb.security'],
    'serverInit',
    ({ rfb }) => `${rfb?.width}x${rfb?.height} after ${ms(rfb?.initMs)}`,
  ),
  rfbCheck(
    'rfb.firstFrame',
    'runner',
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
    applies: ({ prepared }) => prepared.api !== undefined && prepared.isOwn,
    budgetMs: DIAL_BUDGET_MS,
    run: async (context) => {
      const card = context.prepared.subjects.find(({ isTestCard, targets }) => isTestCard && targets.public);
      if (!card) return { status: 'skip', because: 'no test card is part of this run' };
      const { stream, facts } = await context.dial(card, 'public');
      if (facts.thin) return { status: 'skip', because: 'a corner of the picture alone was asked for' };
      if (!stream?.picture) return { status: 'unknown', because: facts.failure ?? 'no picture was kept' };
      const read = readCard(stream.picture);
      if (read.ok) {
        const drawn = new Date(read.value.epochMs).toISOString().slice(11, 23);
        return { status: 'pass', saw: `frame ${read.value.frame}, drawn ${drawn}` };
      }
      const want = 'cells with a right checksum';
      return { status: 'fail', saw: read.error, want, code: 'CF-RUNNER-PICTURE', confidence: 'likely' };
    },
  },
];
