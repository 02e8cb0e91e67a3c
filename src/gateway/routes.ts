import { VALID_ID } from '../core/index.js';
import type { Asked } from './target.js';

/** What a path asks of the gateway. */
export type Route =
  | { readonly to: 'page' }
  | { readonly to: 'asset'; readonly name: string }
  | { readonly to: 'socket'; readonly asked: Asked }
  | { readonly to: 'renew'; readonly sid: string }
  | { readonly to: 'healthz' }
  | { readonly to: 'readyz' }
  | { readonly to: 'nothing' };

/** What is longer in the place of a session's id may be a token that has lost its way: it must reach no log. */
const MAX_SESSION_ID = 128;
const ASSET_NAME = /^[A-Za-z0-9_.-]+$/;

/**
 * Reads a request line. Segments are compared as they came: nothing is decoded, so nothing can hide. A proxy may have
 * taken `/vnc/{id}` away; `takenPrefix` is its X-Forwarded-Prefix, and what it took is put back first.
 */
export function routeOf(url: string, takenPrefix?: string): Route {
  const [path = '', query = ''] = url.split('?', 2);
  const taken = takenPrefix?.replaceAll(/[\s,]/g, '') ?? '';
  const at = taken.lastIndexOf('/vnc/');
  const whole = at < 0 ? undefined : routeOfPath(`${taken.slice(at)}${path}`, query);
  return whole && whole.to !== 'nothing' ? whole : routeOfPath(path, query);
}

function routeOfPath(path: string, query: string): Route {
  switch (path) {
    case '/healthz':
      return { to: 'healthz' };
    case '/readyz':
      return { to: 'readyz' };
    case '/websockify':
      return { to: 'socket', asked: { id: tokenOf(query), from: 'query' } };
    case '/':
      return { to: 'page' };
    default:
      return routeBelow(path.split('/').slice(1));
  }
}

function routeBelow(segments: readonly string[]): Route {
  const [first, second, third, ...more] = segments;
  if (segments.some(isDots)) return { to: 'nothing' };
  const asset = assetName(segments);
  if (asset !== undefined) return { to: 'asset', name: asset };
  if (first !== 'vnc' || second === undefined || !VALID_ID.test(second) || more.length > 0) return { to: 'nothing' };
  switch (third) {
    case undefined:
    case '':
      return { to: 'page' };
    case 'websockify':
      return { to: 'socket', asked: { id: second, from: 'path' } };
    case 'token':
      return second.length > MAX_SESSION_ID ? { to: 'nothing' } : { to: 'renew', sid: second };
    default:
      return { to: 'nothing' };
  }
}

/** A segment that means a folder to whoever resolves paths; ids that only hold dots do not exist. */
function isDots(segment: string): boolean {
  return segment === '.' || segment === '..';
}

/**
 * `/vnc/~assets/x`, `/vnc/{id}/~assets/x` (a page with a slash at its end), and what a strip leaves of them: `/~assets/x`
 * and `/x`.
 */
function assetName(segments: readonly string[]): string | undefined {
  const name = segments.at(-1);
  if (name === undefined || !ASSET_NAME.test(name)) return undefined;
  if (segments.length === 1) return name;
  const at = segments.length - 2;
  const inPlace = at === 0 || (segments[0] === 'vnc' && (at === 1 || (at === 2 && VALID_ID.test(segments[1]!))));
  return segments[at] === '~assets' && inPlace ? name : undefined;
}

/** The `token` of a query, percent-decoded once; undefined when it is absent. */
function tokenOf(query: string): string | undefined {
  return new URLSearchParams(query).get('token') ?? undefined;
}
