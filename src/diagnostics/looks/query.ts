import { type Refusal, type Refuser, isTaken, lookOf } from './judge.js';

/** The socket as it would be asked for with every `;` of its query written as `%3B`; undefined where there is none. */
export function encodedQuery(url: URL): URL | undefined {
  return url.search.includes(';') ? withSearch(url, url.search.replaceAll(';', '%3B')) : undefined;
}

/** The socket as somebody asks for it who takes `;` for `&`. */
export function splitQuery(url: URL): URL {
  return withSearch(url, url.search.replaceAll(';', '&'));
}

/** The ingress took a `;` in the query for `&`: what is behind got the beginning of the token, and a name that nobody sent. */
export function judgeQuery(refusal: Refusal): Refuser | undefined {
  if (!refusal.url.search.includes(';')) return undefined;
  const inner = lookOf(refusal, 'inner');
  if (inner && !isTaken(inner)) return undefined; // it is the gateway itself that does not take it
  if (isTaken(lookOf(refusal, 'encoded')))
    return {
      code: 'CF-TRAEFIK-QUERY',
      confidence: inner ? 'proven' : 'likely',
      because: `${cut(refusal)}; with %3B in its place the same socket opens`,
    };
  const split = lookOf(refusal, 'inner-split')?.facts.http;
  if (!inner || split === undefined || split.status !== refusal.facts.http?.status) return undefined;
  const because = `${cut(refusal)}; the gateway takes the query as it is, and with & in its place answers ${split.status}, too`;
  return { code: 'CF-TRAEFIK-QUERY', confidence: 'likely', because };
}

/** Where the query was cut, in numbers alone: it holds a token. */
function cut({ url: { search } }: Refusal): string {
  const part =
    search
      .slice(1)
      .split('&')
      .find((one) => one.includes(';')) ?? '';
  const value = part.slice(part.indexOf('=') + 1);
  return `a query with ; does not open: behind it is taken for &, and ${value.indexOf(';')} of ${value.length} characters of the value are left`;
}

function withSearch(url: URL, search: string): URL {
  const other = new URL(url);
  other.search = search;
  return other;
}
