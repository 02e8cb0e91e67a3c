import { publicOrigin } from '../../topology/index.js';
import type { Check } from '../check.js';
import type { Code } from '../codes.js';
import type { Problem } from '../subjects/index.js';
import type { CheckContext } from './context.js';

/** Of problems that are failures; no free place is none. */
const PROBLEMS: Readonly<
  Record<Exclude<Problem['kind'], 'full'>, { code: Code; hop: 'control' | 'runner'; want: string }>
> = {
  refused: { code: 'CF-CONTROL-KEY', hop: 'control', want: 'an API that takes our key' },
  control: { code: 'CF-CONTROL-API', hop: 'control', want: 'an answer of the API' },
  runner: { code: 'CF-RUNNER-API', hop: 'runner', want: 'a runner that control can use' },
  start: { code: 'CF-RUNNER-START', hop: 'runner', want: 'sessions that start' },
};

export const controlChecks: readonly Check<CheckContext>[] = [
  {
    id: 'control.sessions',
    hop: 'control',
    title: 'the control plane answers and hands out sessions',
    needs: ['network.connects', 'tls.trusted'],
    applies: ({ prepared }) => prepared.api !== undefined,
    budgetMs: 1_000,
    run: async ({ prepared: { api, problem } }) => {
      if (!problem) return { status: 'pass', saw: api?.saw ?? '' };
      if (problem.kind === 'full') return { status: 'skip', because: `no free slot: ${problem.saw}` };
      return { status: 'fail', saw: problem.saw, ...PROBLEMS[problem.kind], confidence: 'likely' };
    },
  },
  {
    id: 'control.public-url',
    hop: 'control',
    title: 'the URLs that are handed out carry the public host',
    needs: ['control.sessions'],
    applies: ({ prepared, topology }) => prepared.api !== undefined && topology !== undefined,
    budgetMs: 1_000,
    run: async ({ subject, topology }) => {
      const target = subject?.targets.public;
      if (!topology || target?.kind !== 'socket') return { status: 'skip', because: 'no URL was handed out' };
      const want = publicOrigin(topology).replace(/^https/, 'wss');
      const saw = `${target.url.protocol}//${target.url.host}`;
      if (saw === want) return { status: 'pass', saw };
      return { status: 'fail', saw, want, code: 'CF-CONTROL-URL', confidence: 'proven' };
    },
  },
];
