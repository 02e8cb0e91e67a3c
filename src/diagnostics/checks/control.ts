import { publicOrigin } from '../../topology/index.js';
import type { Check } from '../check.js';
import type { CheckContext } from './context.js';

export const controlChecks: readonly Check<CheckContext>[] = [
  {
    id: 'control.sessions',
    hop: 'control',
    title: 'the control plane hands out sessions',
    needs: [],
    budgetMs: 1_000,
    run: async ({ prepared, topology }) => {
      if (!topology) return { status: 'skip', because: 'only a URL was given' };
      const { problem, subjects } = prepared;
      if (!problem) return { status: 'pass', saw: `${new Set(subjects.map(({ session }) => session)).size} sessions` };
      if (problem.noSlot) return { status: 'skip', because: `no free slot: ${problem.saw}` };
      return {
        status: 'fail',
        saw: problem.saw,
        want: 'an answer of the API',
        code: 'CF-CONTROL-API',
        confidence: 'likely',
      };
    },
  },
  {
    id: 'control.public-url',
    hop: 'control',
    title: 'the URLs that are handed out carry the public host',
    needs: ['control.sessions'],
    budgetMs: 1_000,
    run: async ({ subject, topology }) => {
      const target = subject?.targets.public;
      if (!topology || target?.kind !== 'socket') return { status: 'skip', because: 'only a URL was given' };
      const want = publicOrigin(topology).replace(/^https/, 'wss');
      const saw = target.url.origin === 'null' ? `${target.url.protocol}//${target.url.host}` : target.url.origin;
      if (saw === want) return { status: 'pass', saw };
      return { status: 'fail', saw, want, code: 'CF-CONTROL-URL', confidence: 'proven' };
    },
  },
];
