import { isIP } from 'node:net';
import { Agent, type Dispatcher, buildConnector, request } from 'undici';
import { errorText } from '../../core/index.js';
import { type AssetKind, type Reference, importsOf, isScript, metaPolicies, referencesOf } from './html.js';
import { trusting } from './tls.js';

export interface FetchOptions {
  /** PEM of an authority to trust beside those that Node trusts. */
  readonly ca: string | undefined;
  readonly insecure: boolean;
  /** `host:port` → address. */
  readonly resolve: ReadonlyMap<string, string>;
  readonly signal: AbortSignal;
}

export interface Asset {
  readonly url: string;
  readonly kind: AssetKind;
  /** 0: there was no whole answer; `type` says why. */
  readonly status: number;
  readonly type: string;
  readonly bytes: number;
}

/** A viewer page with the files that it loads. */
export interface PageFacts {
  readonly status: number;
  readonly type: string;
  /** Content-Security-Policy of the answer. */
  readonly policy: string;
  /** Those in the page itself, joined in the same way; they say nothing of frames. */
  readonly metaPolicy: string;
  readonly frameOptions: string;
  readonly assets: readonly Asset[];
  readonly failure?: string;
}

/** A page longer than this is no viewer page: what follows is not looked at. */
const MAX_PAGE = 1_048_576;
/** Files of a page that are looked at. */
const MAX_ASSETS = 100;
/** Bytes of a file that are read; it is cut off behind them. */
const MAX_ASSET = 8_388_608;
const MAX_REDIRECTS = 5;

type Answer = Dispatcher.ResponseData;
type Get = (url: URL) => Promise<Answer>;

/** Fetches a page and every script and style that it names, and what its modules import. Never throws. */
export async function fetchPage(url: URL, options: FetchOptions): Promise<PageFacts> {
  const agent = agentFor(options);
  const get: Get = (asked) => request(asked, { dispatcher: agent, signal: options.signal });
  try {
    const { answer, at } = await follow(withoutFragment(url), get);
    const html = await beginningOf(answer.body);
    const header = (name: string): string => String(answer.headers[name] ?? '');
    return {
      status: answer.statusCode,
      type: header('content-type'),
      policy: header('content-security-policy'),
      metaPolicy: metaPolicies(html).join(','),
      frameOptions: header('x-frame-options'),
      assets: await fetchAssets(referencesOf(html, at), get),
    };
  } catch (error) {
    return { status: 0, type: '', policy: '', metaPolicy: '', frameOptions: '', assets: [], failure: errorText(error) };
  } finally {
    await agent.destroy();
  }
}

/** An agent that dials as the other probes do. */
export function agentFor({ ca, insecure, resolve }: Omit<FetchOptions, 'signal'>): Agent {
  const dial = buildConnector({ rejectUnauthorized: !insecure, secureContext: trusting(ca) });
  return new Agent({
    connect: (options, done) => {
      const { hostname, protocol, port } = options;
      const address = resolve.get(`${hostname}:${port || (protocol === 'https:' ? 443 : 80)}`);
      if (address === undefined) dial(options, done);
      else dial({ ...options, hostname: address, ...(isIP(hostname) ? {} : { servername: hostname }) }, done);
    },
  });
}

/** Redirects within a host are followed, as a browser does; one to elsewhere, a login for example, is the answer. */
async function follow(url: URL, get: Get): Promise<{ readonly answer: Answer; readonly at: URL }> {
  let at = url;
  for (let redirects = 0; ; redirects += 1) {
    const answer = await get(at);
    const { location } = answer.headers;
    const isRedirect = answer.statusCode >= 300 && answer.statusCode < 400 && typeof location === 'string';
    const next = isRedirect && URL.canParse(location, at.href) ? new URL(location, at) : undefined;
    if (next?.hostname !== url.hostname || redirects === MAX_REDIRECTS) return { answer, at };
    await answer.body.dump(); // the answer of a redirect is not looked at
    at = withoutFragment(next);
  }
}

async function beginningOf(body: Answer['body']): Promise<string> {
  const pieces = await Array.fromAsync(upTo(MAX_PAGE, body));
  return Buffer.concat(pieces).toString('utf8', 0, MAX_PAGE);
}

/** What is referred to and, of modules, what they import in turn; each once, and no more than so many. */
async function fetchAssets(references: readonly Reference[], get: Get): Promise<readonly Asset[]> {
  const asked = new Set<string>();
  const assets: Asset[] = [];
  for (let next = references; next.length > 0; ) {
    const fresh = next.filter(({ url }) => asked.size < MAX_ASSETS && !asked.has(url.href) && asked.add(url.href));
    const fetched = await Promise.all(fresh.map((reference) => fetchAsset(reference, get)));
    assets.push(...fetched.map(({ asset }) => asset));
    next = fetched.flatMap(({ imports }) => imports);
  }
  return assets;
}

async function fetchAsset(
  { url, kind }: Reference,
  get: Get,
): Promise<{ readonly asset: Asset; readonly imports: readonly Reference[] }> {
  const named = `${url.origin}${url.pathname}`; // a query may hold a token
  try {
    const answer = await get(url);
    const type = String(answer.headers['content-type'] ?? '');
    const isModule = kind === 'module' && answer.statusCode === 200 && isScript(type);
    let bytes = 0;
    let code = '';
    for await (const piece of upTo(MAX_ASSET, answer.body)) {
      bytes += piece.length;
      if (isModule && code.length < MAX_PAGE) code += piece.toString('utf8');
    }
    return { asset: { url: named, kind, status: answer.statusCode, type, bytes }, imports: importsOf(code, url) };
  } catch (error) {
    return { asset: { url: named, kind, status: 0, type: errorText(error), bytes: 0 }, imports: [] };
  }
}

/** Pieces of a body until so many bytes have come; the rest is cut off. */
async function* upTo(limit: number, body: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let length = 0;
  for await (const piece of body) {
    yield piece;
    length += piece.length;
    if (length >= limit) return;
  }
}

function withoutFragment(url: URL): URL {
  const plain = new URL(url);
  plain.hash = '';
  return plain;
}
