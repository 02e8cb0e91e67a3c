import { readFileSync, readdirSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { extname, join } from 'node:path';

/** The viewer page and its assets, read once. */
export interface Pages {
  sendPage(response: ServerResponse, host: string): void;
  /** False when there is no such asset. */
  sendAsset(response: ServerResponse, name: string): boolean;
}

const TYPES: Readonly<Record<string, string>> = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.woff2': 'font/woff2',
};
/** Assets carry a hash of their content in their names. */
const FOR_EVER = 'public, max-age=31536000, immutable';
/** No other origin holds our window or reads our files; who may frame the page is the policy's to say. */
const OWN_ORIGIN = {
  'x-content-type-options': 'nosniff',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
};
/** A Host header that may stand in a policy. */
const PLAIN_HOST = /^[A-Za-z0-9.:[\]-]{1,260}$/;

/** Reads the built page below `root` (dist/ui/viewer). */
export function loadPages(root: string, frameAncestors: readonly string[]): Pages {
  const page = readFileSync(join(root, 'index.html'));
  const folder = join(root, '~assets');
  const assets = new Map(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name))]));
  return {
    sendPage: (response, host) => {
      response.writeHead(200, {
        'content-type': 'text/html; charset=utf-8',
        'cache-control': 'no-store',
        'content-security-policy': policy(host, frameAncestors),
        'referrer-policy': 'no-referrer',
        ...OWN_ORIGIN,
      });
      response.end(page);
    },
    sendAsset: (response, name) => {
      const asset = assets.get(name);
      if (!asset) return false;
      response.writeHead(200, {
        'content-type': TYPES[extname(name)] ?? 'application/octet-stream',
        'cache-control': FOR_EVER,
        ...OWN_ORIGIN,
      });
      response.end(asset);
      return true;
    },
  };
}

/** Nothing but our own files, our own socket, and pictures that noVNC draws. */
function policy(host: string, frameAncestors: readonly string[]): string {
  const socket = PLAIN_HOST.test(host) ? ` wss://${host} ws://${host}` : '';
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data: blob:",
    `connect-src 'self'${socket}`,
    "base-uri 'none'",
    "form-action 'none'",
    `frame-ancestors ${frameAncestors.join(' ')}`,
  ].join('; ');
}
