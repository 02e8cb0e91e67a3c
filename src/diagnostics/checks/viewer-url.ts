/** Parameters by which a page of noVNC is told where its socket is. */
const PARAMETERS = ['host', 'port', 'path', 'encrypt'] as const;

/** The socket that a page of noVNC dials by what stands in its own URL; undefined when it is told nothing there. */
export function socketOf(page: URL): URL | undefined {
  const told = new URLSearchParams(`${page.search.slice(1)}&${page.hash.slice(1)}`);
  if (!PARAMETERS.some((name) => told.has(name))) return undefined;
  const isTold = told.has('encrypt');
  const isEncrypted = isTold ? /^(?:1|true)$/i.test(told.get('encrypt') ?? '') : page.protocol === 'https:';
  const host = told.get('host') ?? page.hostname;
  const port = told.get('port') ?? page.port;
  const path = (told.get('path') ?? 'websockify').replace(/^\//, '');
  const text = `${isEncrypted ? 'wss' : 'ws'}://${host}${port === '' ? '' : `:${port}`}/${path}`;
  return URL.canParse(text) ? new URL(text) : undefined;
}
