import { lookup as lookupName } from 'node:dns';
import { isIP } from 'node:net';
import { Agent, request } from 'undici';
import { errorText } from '../../core/index.js';

export interface FetchOptions {
  readonly ca: string | undefined;
  readonly insecure: boolean;
  readonly resolve: ReadonlyMap<string, string>;
  readonly signal: AbortSignal;
}

export interface Asset {
  readonly url: string;
  readonly status: number;
  readonly type: string;
}

/** A viewer page with the files that it loads. */
export interface PageFacts {
  readonly status: number;
  readonly type: string;
  readonly policy: string;
  readonly frameOptions: string;
  readonly assets: readonly Asset[];
  readonly failure?: string;
}

/** A page longer than this is no viewer page. */
const MAX_PAGE = 1_048_576;
/** Files of a page that are looked at. */
const MAX_ASSETS = 20;

/** Fetches a page and every script and style that it names. Never throws. */
export async function fetchPage(url: URL, options: FetchOptions): Promise<PageFacts> {
  const agent = agentFor(options);
  try {
    const { statusCode, headers, body } = await request(stripFragment(url), {
      dispatcher: agent,
      signal: options.signal,
    });
    const html = (await body.text()).slice(0, MAX_PAGE);
    const assets = await Promise.all(
      assetUrls(html, url).map(async (asset): Promise<Asset> => {
        const answer = await request(asset, { dispatcher: agent, signal: options.signal });
        await answer.body.dump();
        return { url: asset.pathname, status: answer.statusCode, type: String(answer.headers['content-type'] ?? '') };
      }),
    );
    return {
      status: statusCode,
      type: String(headers['content-type'] ?? ''),
      policy: String(headers['content-security-policy'] ?? ''),
      frameOptions: String(headers['x-frame-options'] ?? ''),
      assets,
    };
  } catch (error) {
    return { status: 0, type: '', policy: '', frameOptions: '', assets: [], failure: errorText(error) };
  } finally {
    await agent.destroy();
  }
}

/** An agent that dials as the other probes do. */
export function agentFor({ ca, insecure, resolve }: Omit<FetchOptions, 'signal'>): Agent {
  const addresses = new Map(
    [...resolve].map(([hostPort, address]) => [hostPort.slice(0, hostPort.lastIndexOf(':')), address]),
  );
  return new Agent({
    connect: {
      rejectUnauthorized: !insecure,
      ...(ca !== undefined && { ca }),
      ...(addresses.size > 0 && {
        lookup: (host, lookupOptions, done) => {
          const address = addresses.get(host);
          if (address === undefined) lookupName(host, { ...lookupOptions, all: true }, done);
          else done(null, [{ address, family: isIP(address) }]);
        },
      }),
    },
  });
}

function assetUrls(html: string, page: URL): URL[] {
  const references = [...html.matchAll(/<(?:script|link)\b[^>]*?\b(?:src|href)="([^"]+)"/g)].map((match) => match[1]!);
  return references
    .filter((reference) => URL.canParse(reference, page.href))
    .map((reference) => new URL(reference, page.href))
    .filter((asset) => asset.host === page.host)
    .slice(0, MAX_ASSETS);
}

function stripFragment(url: URL): URL {
  const plain = new URL(url);
  plain.hash = '';
  return plain;
}
