/**
 * Where this page's right to a socket comes from. The token arrives in the fragment, which reaches no server and no
 * log; it moves to sessionStorage at once, and from there into the socket's query.
 */
export interface Access {
  readonly session: string;
  /** The socket's URL, for a new connection. */
  socketUrl(): string;
  /** The URL that says, without opening anything, whether a socket would be let in; undefined where there is none. */
  probeUrl(): string | undefined;
  /** Has the token renewed while its socket is open; false when that was refused. */
  renew(): Promise<boolean>;
  /** Milliseconds until the next renewal is due. */
  renewInMs(): number;
}

/** Half the shortest life of a token that control hands out by default. */
const RENEW_MS = 120_000;

export function readAccess(): Access {
  const segments = location.pathname.split('/').filter((part) => part !== '');
  const at = segments.lastIndexOf('vnc');
  const session = segments[at + 1] ?? 'session';
  const storageKey = `camofleet.token.${session}`;
  const given = new URLSearchParams(location.hash.slice(1)).get('token');
  if (given) {
    sessionStorage.setItem(storageKey, given);
    history.replaceState(null, '', location.pathname + location.search);
  }
  const token = (): string | null => sessionStorage.getItem(storageKey);
  const base = new URL(
    `/${segments
      .slice(0, Math.max(0, at))
      .map((part) => `${part}/`)
      .join('')}`,
    location.href,
  );
  const socketPath = (): URL => {
    const known = token();
    if (known === null) return new URL(`vnc/${session}/websockify`, base);
    const url = new URL('websockify', base);
    url.searchParams.set('token', known);
    return url;
  };
  return {
    session,
    socketUrl: () => {
      const url = socketPath();
      url.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:';
      return url.href;
    },
    probeUrl: () => (token() === null ? undefined : socketPath().href),
    renewInMs: () => (token() === null ? Infinity : RENEW_MS),
    renew: async () => {
      const known = token();
      if (known === null) return false;
      const response = await fetch(new URL(`vnc/${session}/token`, base), {
        method: 'POST',
        headers: { authorization: `Bearer ${known}` },
      });
      if (!response.ok) return false;
      const { token: renewed }: { token: string } = await response.json();
      sessionStorage.setItem(storageKey, renewed);
      return true;
    },
  };
}
