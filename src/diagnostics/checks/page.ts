import type { Check, Verdict } from '../check.js';
import { type DialFacts, STAGES } from '../probe/facts.js';
import { isScript } from '../probe/html.js';
import type { Asset, PageFacts } from '../probe/page.js';
import { type CheckContext, DIAL_BUDGET_MS } from './context.js';
import { forbiddingFrame, forbiddingPolicy, forbiddingScript } from './policy.js';
import { socketOf } from './viewer-url.js';

/** The page is not what carries the picture: it is looked at when the way to it stands. */
const NEEDS = ['control.sessions', 'network.connects', 'tls.trusted'];

/** Looks at URLs alone: it needs no way to them, and a browser does not try one, either. */
export const mixedCheck: Check<CheckContext> = {
  id: 'page.scheme',
  hop: 'viewer',
  title: 'page and socket have the same scheme',
  needs: [],
  applies: ({ subject }) => subject?.page !== undefined,
  budgetMs: 1_000,
  run: async ({ subject }) => {
    const target = subject?.targets.public;
    const page = subject?.page;
    if (!page || target?.kind !== 'socket') return { status: 'skip', because: 'page and socket must both be known' };
    const sockets = [target.url, socketOf(page) ?? target.url];
    const mixed = page.protocol === 'https:' && sockets.find(({ protocol }) => protocol === 'ws:');
    if (!mixed) return { status: 'pass', saw: `${page.protocol}// and ${target.url.protocol}//` };
    return {
      status: 'fail',
      saw: `the page is https and its socket is ws://${mixed.host}${mixed.pathname}`,
      want: `wss://${mixed.host}${mixed.pathname}`,
      code: 'CF-VIEWER-MIXED',
      confidence: 'proven',
    };
  },
};

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
      if (page.status !== 200) return unloaded(page, await answerToSocket(context));
      return assetFault(page, url) ?? { status: 'pass', saw: `${page.assets.length} files` };
    },
  },
  {
    id: 'page.policy',
    hop: 'viewer',
    title: 'the headers of the page allow its socket',
    needs: [...NEEDS, 'page.loads', 'page.scheme'],
    applies: ({ subject }) => subject?.page !== undefined,
    budgetMs: DIAL_BUDGET_MS,
    run: async (context) => {
      const url = context.subject?.page;
      const target = context.subject?.targets.public;
      if (!url || target?.kind !== 'socket') return { status: 'skip', because: 'page and socket must both be known' };
      const { policy, metaPolicy } = await context.page(url);
      const sources = forbiddingPolicy(`${policy},${metaPolicy}`, target.url, url);
      if (sources === undefined) return { status: 'pass', saw: 'no policy forbids it' };
      const want = `one that allows ${target.url.protocol}//${target.url.host}`;
      const remedy = `connect-src 'self' ${target.url.protocol}//${target.url.host} in Content-Security-Policy of the page; in Traefik: contentSecurityPolicy of the headers middleware on that router`;
      return {
        status: 'fail',
        code: 'CF-VIEWER-POLICY',
        confidence: 'proven',
        saw: `Content-Security-Policy: connect-src ${sources}`,
        want,
        remedy,
      };
    },
  },
  {
    id: 'page.frame',
    hop: 'viewer',
    title: 'the headers of the page allow the frame around it',
    needs: [...NEEDS, 'page.loads'],
    applies: ({ subject }) => subject?.page !== undefined,
    budgetMs: DIAL_BUDGET_MS,
    run: async (context) => {
      const { page: url, frame } = context.subject ?? {};
      if (!url) return { status: 'skip', because: 'no page is known; pass --page' };
      const around = frame ?? url;
      const header = forbiddingFrame(await context.page(url), url, around);
      if (header === undefined) return { status: 'pass', saw: `${around.origin} may show it` };
      // Nobody may have wanted to show it in one.
      if (!frame) return { status: 'pass', saw: `${header}: no page may show it in a frame`, told: 'CF-VIEWER-FRAME' };
      const want = `frame-ancestors that allow ${around.origin}`;
      return { status: 'fail', code: 'CF-VIEWER-FRAME', confidence: 'proven', saw: header, want };
    },
  },
];

/** A page that is refused as its socket is has the same cause; an ingress that reaches nobody says so of both. */
function unloaded({ status }: PageFacts, socket: DialFacts | undefined): Verdict {
  const saw = `the page answered ${status}`;
  const stage = socket && STAGES.indexOf(socket.stage);
  if (status >= 502 && socket?.stage === 'http' && socket.http?.status === status)
    return { status: 'skip', because: `${saw}, as the socket is answered` };
  const isSocketRefused = stage !== undefined && stage <= STAGES.indexOf('http');
  return {
    status: 'fail',
    saw,
    want: '200',
    code: 'CF-VIEWER-PAGE',
    confidence: isSocketRefused ? 'possible' : 'likely',
  };
}

async function answerToSocket({ front }: CheckContext): Promise<DialFacts | undefined> {
  return front && (await front.dial()).facts;
}

/** The first file that a browser could not use. */
function assetFault({ assets, policy, metaPolicy }: PageFacts, page: URL): Verdict | undefined {
  const found = { status: 'fail', code: 'CF-VIEWER-ASSETS', confidence: 'likely' } as const;
  const bad = assets.find(isUnusable);
  if (bad) {
    const saw = `${bad.url} answered ${bad.status === 0 ? 'nothing' : bad.status} (${bad.type || 'no type'})`;
    return { ...found, saw: `${saw}${whereIs(bad, page)}`, want: '200 with the type of a script' };
  }
  for (const { url, kind } of assets) {
    const sources = kind === 'style' ? undefined : forbiddingScript(`${policy},${metaPolicy}`, new URL(url), page);
    if (sources === undefined) continue;
    const saw = `Content-Security-Policy: script-src ${sources} forbids ${url}`;
    return { ...found, saw: `${saw}${whereIs({ url }, page)}`, want: 'a policy that allows the scripts of the page' };
  }
  return undefined;
}

function isUnusable({ status, type, kind }: Asset): boolean {
  if (status !== 200 || type.includes('text/html')) return true;
  return kind === 'module' && !isScript(type);
}

function whereIs({ url }: Pick<Asset, 'url'>, page: URL): string {
  const { origin, href } = new URL(url);
  if (origin !== page.origin) return '; it comes from another host than the page';
  const folder = new URL('.', page).href;
  return href.startsWith(folder) ? '' : `; it lies outside of the folder of the page, ${new URL(folder).pathname}`;
}
