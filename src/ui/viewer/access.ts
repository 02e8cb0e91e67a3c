/**
 * Where this page's right to a socket comes from. The token arrives in the fragment, which reaches no server and no
 * log; it moves to sessionStorage at once, and from there into the socket's query.
 */
export interface Access {
  readonly session: string;
  /** The socket's URL, for a new connection. */
  socketUrl(): string;
  /** The URL that says, without opening anything, whether a socket would be let in. */
  probeUrl(): string;
  /** Has the token renewed while its socket is open. */
  renew(): Promise<Renewal>;
}

/** `nextInMs` is undefined where there is nothing to renew any more. */
export interface Renewal {
  readonly nextInMs: number | undefined;
  readonly rights?: 'control' | 'view';
}

/** A token is renewed at half its life, within these bounds. */
const SOONEST_MS = 5_000;
const LATEST_MS = 600_000;
/** A renewal that did not get through is tried again after this. */
const AGAIN_MS = 10_000;
/** One that is not known where it was asked for, too: while the socket is open, what is not known yet will be. */
const LATER_MS = 60_000;

export function readAccess(): Access {
  const segments = location.pathname.split('/').filter((part) => part !== '');
  const at = segments.lastIndexOf('vnc');
  const session = segments[at + 1] ?? 'session';
  const above = segments.slice(0, Math.max(0, at)).map((part) => `${part}/`);
  const base = new URL(`/${above.join('')}`, location.href);

  const storageKey = `camofleet.token.${session}`;
  const given = new URLSearchParams(location.hash.slice(1)).get('token');
  if (given) {
    sessionStorage.setItem(storageKey, given);
    history.replaceState(null, '', location.pathname + location.search);
  }
  const token = (): string | null => sessionStorage.getItem(storageKey);
  const withToken = (known: string): URL => {
    const url = new URL('websockify', base);
    url.searchParams.set('token', known);
    return url;
  };
  return {
    session,
    socketUrl: () => {
      const known = token();
      const url = known === null ? new URL(`vnc/${session}/websockify`, base) : withToken(known);
      url.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:';
      return url.href;
    },
    probeUrl: () => withToken(token() ?? session).href,
    renew: async () => {
      const known = token();
      if (known === null) return { nextInMs: undefined };
      const renewed = await askForToken(new URL(`vnc/${session}/token`, base), known);
      if (renewed === 'refused') return { nextInMs: undefined };
      if (renewed === 'unreachable') return { nextInMs: AGAIN_MS };
      if (renewed === 'unknown') return { nextInMs: LATER_MS };
      sessionStorage.setItem(storageKey, renewed.token);
      const halfLifeMs = (Date.parse(renewed.expires_at) - Date.now()) / 2;
      return { nextInMs: Math.min(LATEST_MS, Math.max(SOONEST_MS, halfLifeMs)), rights: renewed.rights };
    },
  };
}

interface Renewed {
  readonly token: string;
  readonly expires_at: string;
  readonly rights: 'control' | 'view';
}

async function askForToken(url: URL, token: string): Promise<Renewed | 'refused' | 'unknown' | 'unreachable'> {
  try {
    const response = await fetch(url, { method: 'POST', headers: { authorization: `Bearer ${token}` } });
    if (response.ok) return await response.json();
    if (response.status === 401) return 'unknown';
    return response.status < 500 && response.status !== 429 ? 'refused' : 'unreachable';
  } catch {
    return 'unreachable'; // no answer: the caller asks again
  }
}
