/** What is known of where a socket may be beside its own URL. */
export interface PathHints {
  /** The socket at the gateway itself. */
  readonly gateway: URL | undefined;
  /** The viewer page. */
  readonly page: URL | undefined;
}

/** Other paths that are tried: each costs a request, and a gateway counts failed attempts. */
const MAX_PATHS = 8;
/** Segments beyond this are no path of a viewer. */
const MAX_SEGMENTS = 12;

/** Where the socket would be if its path had lost a prefix, held one twice, or were encoded twice; likeliest first. */
export function pathsLike(url: URL, { gateway, page }: PathHints): readonly URL[] {
  const { pathname } = url;
  const prefixes = page ? prefixesOf(page.pathname) : [];
  const paths = [
    ...decodings(pathname),
    ...withoutDoubles(pathname),
    ...prefixes.flatMap((prefix) => [`${prefix}${pathname}`, `${prefix}/${segmentsOf(pathname).at(-1) ?? ''}`]),
    ...(gateway ? ['', ...prefixes].map((prefix) => `${prefix}${gateway.pathname}`) : []),
    ...withoutFirst(pathname),
  ];
  const queries = new Set([url.search, gateway?.search || url.search]);
  const asIs = gateway && !url.search && gateway.search ? [at(url, pathname, gateway.search)] : [];
  const urls = [...asIs, ...paths.flatMap((path) => [...queries].map((query) => at(url, path, query)))];
  const seen = new Set([url.href]);
  return urls.filter(({ href }) => !seen.has(href) && seen.add(href)).slice(0, MAX_PATHS);
}

function at(url: URL, path: string, query: string): URL {
  const other = new URL(url);
  other.pathname = path.replaceAll(/\/{2,}/g, '/');
  other.search = query;
  return other;
}

/** Decoded once and, where it was encoded twice, twice. */
function decodings(path: string): string[] {
  const decoded: string[] = [];
  for (let last = path; /%[0-9a-f]{2}/i.test(last) && decoded.length < 2; ) {
    last = decodedOnce(last);
    decoded.push(last);
  }
  return decoded.toReversed();
}

function decodedOnce(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return ''; // a percent sign that encodes nothing: no path
  }
}

/** Without a run of segments that is there twice in a row, and without empty segments. */
function withoutDoubles(path: string): string[] {
  const segments = segmentsOf(path);
  const found = path.includes('//') ? [join(segments)] : [];
  for (let length = Math.floor(segments.length / 2); length > 0; length -= 1)
    for (let from = 0; from + 2 * length <= segments.length; from += 1) {
      const run = segments.slice(from, from + length);
      const isDoubled = run.every((segment, index) => segment === segments[from + length + index]);
      if (isDoubled) found.push(join(segments.toSpliced(from, length)));
    }
  return found;
}

/** Without the first segments, one after another: a prefix that a proxy takes off, or that nobody has. */
function withoutFirst(path: string): string[] {
  const segments = segmentsOf(path);
  return segments.slice(1).map((_, index) => join(segments.slice(index + 1)));
}

/** `/a/b/vnc.html` → `/a/b`, `/a`. */
function prefixesOf(path: string): string[] {
  const folders = segmentsOf(path.slice(0, path.lastIndexOf('/')));
  return folders.map((_, index) => join(folders.slice(0, folders.length - index)));
}

function segmentsOf(path: string): string[] {
  return path.split('/', MAX_SEGMENTS).filter((segment) => segment !== '');
}

function join(segments: readonly string[]): string {
  return `/${segments.join('/')}`;
}
