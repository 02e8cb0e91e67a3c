/** Ports that a scheme has when none is written. */
const DEFAULT_PORTS: Readonly<Record<string, string>> = { 'http:': '80', 'https:': '443', 'ws:': '80', 'wss:': '443' };
/** A source's scheme also allows the safer one, and the socket's own of the same kind (CSP level 3, scheme-part match). */
const ALSO: Readonly<Record<string, readonly string[]>> = {
  'http:': ['http:', 'https:', 'ws:', 'wss:'],
  'https:': ['https:', 'wss:'],
  'ws:': ['ws:', 'wss:', 'http:', 'https:'],
  'wss:': ['wss:', 'https:'],
};
const SOURCE = /^(?:([a-z][a-z0-9+.-]*):\/\/)?(\*|\*\.[^/:]+|[^/:*]+)(?::(\d+|\*))?(?:\/.*)?$/i;

/** The sources of the first policy that forbids a page its socket; undefined when none does. */
export function forbiddingPolicy(header: string, socket: URL, page: URL): string | undefined {
  return forbidding(header, ['connect-src', 'default-src'], socket, page);
}

/** The sources of the first policy that forbids a page one of its scripts; undefined when none does, or none can be sure to. */
export function forbiddingScript(header: string, script: URL, page: URL): string | undefined {
  const sources = forbidding(header, ['script-src-elem', 'script-src', 'default-src'], script, page);
  return sources !== undefined && /'(?:strict-dynamic|nonce-|sha\d)/i.test(sources) ? undefined : sources;
}

/** What forbids that a page is shown in a frame of another, as it stands in its headers; undefined when nothing does. */
export function forbiddingFrame(
  { policy, frameOptions }: { readonly policy: string; readonly frameOptions: string },
  page: URL,
  around: URL,
): string | undefined {
  if (directivesOf(policy).some((directives) => directives.has('frame-ancestors'))) {
    const sources = forbidding(policy, ['frame-ancestors'], around, page); // then X-Frame-Options does not count
    return sources === undefined ? undefined : `Content-Security-Policy: frame-ancestors ${sources}`;
  }
  const options = frameOptions.split(',').map((option) => option.trim().toUpperCase());
  const isForbidden = options.includes('DENY') || (options.includes('SAMEORIGIN') && around.origin !== page.origin);
  return isForbidden ? `X-Frame-Options: ${frameOptions}` : undefined;
}

/** Of each policy the first of these directives that it has limits what is asked for (CSP level 3, section 6.1). */
function forbidding(header: string, names: readonly string[], asked: URL, page: URL): string | undefined {
  for (const directives of directivesOf(header)) {
    const name = names.find((one) => directives.has(one));
    const sources = name === undefined ? undefined : directives.get(name)!;
    if (sources && !sources.some((source) => matches(source.toLowerCase(), asked, page))) return sources.join(' ');
  }
  return undefined;
}

/** The policies of a header; a directive that is there twice counts once. */
function directivesOf(header: string): readonly ReadonlyMap<string, readonly string[]>[] {
  return header.split(',').map((policy) => {
    const directives = new Map<string, string[]>();
    for (const part of policy.split(';')) {
      const [name = '', ...sources] = part.trim().split(/\s+/);
      if (name !== '' && !directives.has(name.toLowerCase())) directives.set(name.toLowerCase(), sources);
    }
    return directives;
  });
}

function matches(source: string, socket: URL, page: URL): boolean {
  if (source === '*') return true;
  if (source === "'self'") return socket.host === page.host && allowsScheme(page.protocol, socket.protocol);
  if (/^[a-z][a-z0-9+.-]*:$/.test(source)) return allowsScheme(source, socket.protocol);
  const [, scheme, host = '', port] = SOURCE.exec(source) ?? [];
  if (host === '' || !allowsScheme(scheme === undefined ? page.protocol : `${scheme}:`, socket.protocol)) return false;
  return hostMatches(host, socket.hostname) && portMatches(port, socket);
}

function allowsScheme(source: string, socket: string): boolean {
  return (ALSO[source] ?? [source]).includes(socket);
}

function hostMatches(host: string, name: string): boolean {
  if (host === '*') return true;
  return host.startsWith('*.') ? name.endsWith(host.slice(1)) : name === host;
}

function portMatches(port: string | undefined, socket: URL): boolean {
  const own = socket.port || DEFAULT_PORTS[socket.protocol];
  return port === '*' || own === (port ?? DEFAULT_PORTS[socket.protocol]);
}
