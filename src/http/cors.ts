import type { IncomingHttpHeaders } from 'node:http';

/** How long a browser may remember a preflight. */
const REMEMBER_S = '600';

/**
 * The headers that let a page of a named origin read an answer (Fetch standard, CORS protocol); for the preflight of a
 * request that carries a bearer or JSON also those that allow it. Empty for a request that is nobody's business of
 * ours. Cookies are never allowed.
 */
export function corsHeaders(
  { method, headers }: { readonly method?: string | undefined; readonly headers: IncomingHttpHeaders },
  allowedOrigins: readonly string[],
): Readonly<Record<string, string>> {
  const { origin } = headers;
  if (origin === undefined || !allowedOrigins.includes(origin)) return {};
  const answer = { 'access-control-allow-origin': origin, vary: 'Origin' };
  if (!isPreflight({ method, headers })) return answer;
  return {
    ...answer,
    'access-control-allow-methods': 'GET, POST, DELETE',
    'access-control-allow-headers': 'Authorization, Content-Type',
    'access-control-max-age': REMEMBER_S,
  };
}

/** Whether a browser asks beforehand what a page may do. */
export function isPreflight({
  method,
  headers,
}: {
  readonly method?: string | undefined;
  readonly headers: IncomingHttpHeaders;
}): boolean {
  return method === 'OPTIONS' && headers['access-control-request-method'] !== undefined;
}
