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
  for (const policy of header.split(',')) {
    const sources = connectSources(policy);
    if (sources && !sources.some((source) => matches(source.toLowerCase(), socket, page))) return sources.join(' ');
  }
  return undefined;
}

/** What limits the sockets of a page (CSP level 3, section 6.1.2); undefined when nothing does. */
function connectSources(policy: string): string[] | undefined {
  const directives = new Map<string, string[]>();
  for (const part of policy.split(';')) {
    const [name = '', ...sources] = part.trim().split(/\s+/);
    if (name !== '' && !directives.has(name.toLowerCase())) directives.set(name.toLowerCase(), sources);
  }
  return directives.get('connect-src') ?? directives.get('default-src');
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
