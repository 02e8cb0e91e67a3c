import type { Check } from '../check.js';
import type { PageFacts } from '../probe/page.js';
import { type CheckContext, DIAL_BUDGET_MS } from './context.js';
import { forbiddingPolicy } from './policy.js';

/** The page is not what carries the picture: it is looked at when the way to it stands. */
const NEEDS = ['control.sessions', 'network.connects', 'tls.trusted'];

export const pageChecks: readonly Check<CheckContext>[] = [
  {
    id: 'page.loads',
    hop: 'viewer',
    title: 'the viewer page and its files load',
    needs: NEEDS,
    budgetMs: DIAL_BUDGET_MS,
    run: async (context) => {
      const url = context.subject?.page;
      if (!url) return { status: 'skip', because: 'no page is known; pass --page' };
      const page = await context.page(url);
      if (page.failure !== undefined) return { status: 'unknown', because: page.failure };
      const saw = faultOf(page);
      if (saw === undefined) return { status: 'pass', saw: `${page.assets.length} files` };
      const want = 'a page and files that answer 200 with the right type';
      return { status: 'fail', saw, want, code: 'CF-VIEWER-PAGE', confidence: 'likely' };
    },
  },
  {
    id: 'page.policy',
    hop: 'viewer',
    title: 'the headers of the page allow its socket',
    needs: [...NEEDS, 'page.loads'],
    applies: ({ subject }) => subject?.page !== undefined,
    budgetMs: DIAL_BUDGET_MS,
    run: async (context) => {
      const url = context.subject?.page;
      const target = context.subject?.targets.public;
      if (!url || target?.kind !== 'socket') return { status: 'skip', because: 'page and socket must both be known' };
      const found = { status: 'fail', code: 'CF-VIEWER-POLICY', confidence: 'proven' } as const;
      if (url.protocol === 'https:' && target.url.protocol === 'ws:')
        return { ...found, saw: 'the page is https and its socket is ws://', want: 'wss://' };
      const forbidding = forbiddingPolicy((await context.page(url)).policy, target.url, url);
      if (forbidding === undefined) return { status: 'pass', saw: 'no policy forbids it' };
      const want = `one that allows ${target.url.protocol}//${target.url.host}`;
      return { ...found, saw: `connect-src ${forbidding}`, want };
    },
  },
];

function faultOf({ status, assets }: PageFacts): string | undefined {
  if (status !== 200) return `the page answered ${status}`;
  const bad = assets.find(
    ({ url: path, status: answer, type }) => answer !== 200 || (path.endsWith('.js') && !type.includes('javascript')),
  );
  return bad && `${bad.url} answered ${bad.status} as ${bad.type || 'no type'}`;
}
