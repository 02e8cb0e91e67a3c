import type { Check } from '../check.js';
import { type CheckContext, DIAL_BUDGET_MS } from './context.js';

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
      const want = 'a page and files that answer 200 with the right type';
      if (page.failure !== undefined) return { status: 'unknown', because: page.failure };
      if (page.status !== 200)
        return {
          status: 'fail',
          saw: `the page answered ${page.status}`,
          want,
          code: 'CF-VIEWER-PAGE',
          confidence: 'likely',
        };
      const bad = page.assets.find(
        ({ url: path, status, type }) => status !== 200 || (path.endsWith('.js') && !type.includes('javascript')),
      );
      if (bad)
        return {
          status: 'fail',
          saw: `${bad.url} answered ${bad.status} as ${bad.type || 'no type'}`,
          want,
          code: 'CF-VIEWER-PAGE',
          confidence: 'likely',
        };
      return { status: 'pass', saw: `${page.assets.length} files` };
    },
  },
  {
    id: 'page.policy',
    hop: 'viewer',
    title: 'the headers of the page allow its socket',
    needs: [...NEEDS, 'page.loads'],
    budgetMs: DIAL_BUDGET_MS,
    run: async (context) => {
      const url = context.subject?.page;
      const target = context.subject?.targets.public;
      if (!url || target?.kind !== 'socket') return { status: 'skip', because: 'page and socket must both be known' };
      if (url.protocol === 'https:' && target.url.protocol === 'ws:')
        return {
          status: 'fail',
          saw: 'the page is https and its socket is ws://',
          want: 'wss://',
          code: 'CF-VIEWER-POLICY',
          confidence: 'proven',
        };
      const { policy } = await context.page(url);
      const sources = connectSources(policy);
      if (!sources || allows(sources, target.url, url))
        return { status: 'pass', saw: sources ? `connect-src ${sources.join(' ')}` : 'no policy limits sockets' };
      return {
        status: 'fail',
        saw: `connect-src ${sources.join(' ')}`,
        want: `one that allows ${target.url.protocol}//${target.url.host}`,
        code: 'CF-VIEWER-POLICY',
        confidence: 'proven',
      };
    },
  },
];

/** The sources that sockets may go to; undefined when nothing limits them (CSP level 3, section 6.1.2). */
function connectSources(policy: string): string[] | undefined {
  const directives = new Map(
    policy.split(';').map((part) => {
      const [name = '', ...sources] = part.trim().split(/\s+/);
      return [name.toLowerCase(), sources] as const;
    }),
  );
  return directives.get('connect-src') ?? directives.get('default-src');
}

function allows(sources: readonly string[], socket: URL, page: URL): boolean {
  return sources.some((source) => {
    if (source === '*') return true;
    if (source === "'self'") return socket.host === page.host;
    if (source === 'wss:' || source === 'ws:') return socket.protocol === source;
    return (
      source.replace(/^wss?:\/\//, '') === socket.host &&
      (!source.includes('://') || source.startsWith(`${socket.protocol}//`))
    );
  });
}
