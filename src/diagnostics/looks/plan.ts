import type { SocketTarget } from '../probe/look.js';
import type { DialFacts } from '../probe/facts.js';
import { type PathHints, pathsLike } from './paths.js';

/** A second look at a socket that was refused: another request to the same place, or the same to another. */
export interface Look {
  readonly what: LookName;
  readonly target: SocketTarget;
  readonly isUpgrade: boolean;
  /** So long after the one before, while none of them is taken: what is gone may come back. */
  readonly afterMs?: number;
}

export type LookName =
  /** The same without a word of an upgrade. */
  | 'plain'
  /** The upgrade at the gateway itself. */
  | 'inner'
  /** The same there without a word of an upgrade. */
  | 'inner-plain'
  /** TLS instead of plaintext, or the reverse, at the same address. */
  | 'other-scheme'
  /** That, at the gateway itself. */
  | 'inner-other-scheme'
  /** Where the answer points to. */
  | 'redirected'
  /** Another path of the same place. */
  | 'path'
  /** A path that nobody has. */
  | 'made-up'
  /** The very same once more. */
  | 'again'
  /** The same with `%3B` for every `;` of its query. */
  | 'encoded'
  /** The upgrade at the gateway, with `&` for every `;`. */
  | 'inner-split';

/** What is looked at again when a dial stopped at its upgrade, or at TLS: enough to tell whose refusal it is. */
export function looksFor(
  target: SocketTarget,
  facts: DialFacts,
  { gateway, page }: { readonly gateway: SocketTarget | undefined; readonly page: URL | undefined },
): readonly Look[] {
  if (facts.stage === 'tls')
    return facts.tls && !isStandIn(facts.tls)
      ? []
      : [{ what: 'other-scheme', target: swapped(target), isUpgrade: true }];
  if (facts.stage !== 'http') return [];
  const { http } = facts;
  const looks: Look[] = [{ what: 'other-scheme', target: swapped(target), isUpgrade: true }];
  if (gateway)
    looks.push(
      { what: 'inner', target: gateway, isUpgrade: true },
      { what: 'inner-plain', target: gateway, isUpgrade: false },
      { what: 'inner-other-scheme', target: swapped(gateway), isUpgrade: true },
    );
  if (!http) return looks;
  looks.push({ what: 'plain', target, isUpgrade: false });
  const redirected = redirectTarget(target, http);
  if (redirected) looks.push({ what: 'redirected', target: redirected, isUpgrade: true });
  else if (http.status < 500 && http.status !== 401) looks.push(...otherPaths(target, { gateway: gateway?.url, page }));
  return looks;
}

/** Traefik answers TLS on every entry point, with a certificate of its own making where none is set: that says nothing of the port. */
function isStandIn({ subject }: NonNullable<DialFacts['tls']>): boolean {
  return subject === 'TRAEFIK DEFAULT CERT';
}

function otherPaths(target: SocketTarget, hints: PathHints): Look[] {
  return pathsLike(target.url, hints).map((url) => ({ what: 'path', target: { ...target, url }, isUpgrade: true }));
}

/** The same port of the same host by the other scheme. */
function swapped(target: SocketTarget): SocketTarget {
  const isTls = target.url.protocol === 'wss:';
  const port = target.url.port || (isTls ? '443' : '80');
  const { hostname, pathname, search } = target.url;
  return { ...target, url: new URL(`${isTls ? 'ws' : 'wss'}://${hostname}:${port}${pathname}${search}`) };
}

/** Where an answer of 3xx points to, as a socket; undefined where it points nowhere. */
export function redirectTarget(
  target: SocketTarget,
  { status, headers }: Pick<NonNullable<DialFacts['http']>, 'status' | 'headers'>,
): SocketTarget | undefined {
  const { location } = headers;
  if (status < 300 || status >= 400 || location === undefined) return undefined;
  const from = target.url.href.replace(/^ws/, 'http');
  if (!URL.canParse(location, from)) return undefined;
  const to = new URL(location, from);
  if (!/^(?:https?|wss?):$/.test(to.protocol)) return undefined;
  return { ...target, url: new URL(to.href.replace(/^http/, 'ws')) };
}
