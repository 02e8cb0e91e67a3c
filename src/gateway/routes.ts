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

const ASSET_NAME = /^[A-Za-z0-9_.-]+$/;

/**
 * Reads a request line. Segments are compared as they came: nothing is decoded, so nothing can hide. `prefixStripped`:
 * a proxy has taken `/vnc/{id}` away, and what is left must work as well.
 */
export function routeOf(url: string, prefixStripped: boolean): Route {
  const [path = '', query = ''] = url.split('?', 2);
  const segments = path.split('/').slice(1);
  const [first, second, third, ...more] = segments;
  if (path === '/healthz') return { to: 'healthz' };
  if (path === '/readyz') return { to: 'readyz' };
  if (path === '/websockify') return { to: 'socket', asked: { id: tokenOf(query), from: 'query' } };
  const asset = assetName(segments);
  if (asset !== undefined) return { to: 'asset', name: asset };
  if (first === 'vnc' && second !== undefined && VALID_ID.test(second) && more.length === 0) {
    if (third === undefined || third === '') return { to: 'page' };
    if (third === 'websockify') return { to: 'socket', asked: { id: second, from: 'path' } };
    if (third === 'token') return { to: 'renew', sid: second };
  }
  if (prefixStripped && path === '/') return { to: 'page' };
  return { to: 'nothing' };
}

/** `/vnc/~assets/x`, `/vnc/{id}/~assets/x` (a page with a slash at its end), or `/~assets/x` behind a strip. */
function assetName(segments: readonly string[]): string | undefined {
  const at = segments.indexOf('~assets');
  const name = segments[at + 1];
  const inPlace = at === 0 || (segments[0] === 'vnc' && (at === 1 || at === 2));
  return at >= 0 && inPlace && segments.length === at + 2 && name !== undefined && ASSET_NAME.test(name)
    ? name
    : undefined;
}

/** The `token` of a query, percent-decoded once; undefined when it is absent. */
function tokenOf(query: string): string | undefined {
  return new URLSearchParams(query).get('token') ?? undefined;
}
