import { describe, expect, test } from 'vitest';
import { pathsLike } from '../../../src/diagnostics/looks/paths.ts';

interface Row {
  readonly url: string;
  readonly page?: string;
  readonly gateway?: string;
  /** Where the socket is. */
  readonly right: string;
}

const ROWS: Readonly<Record<string, Row>> = {
  'a prefix twice': { url: '/fleet/vnc/fleet/vnc/websockify', right: '/fleet/vnc/websockify' },
  'one segment twice': { url: '/vnc/vnc/a/websockify', right: '/vnc/a/websockify' },
  'a prefix that is lost, and the page has it': {
    url: '/websockify',
    page: '/fleet/vnc/vnc.html',
    right: '/fleet/websockify',
  },
  'the folder of the page': { url: '/websockify', page: '/fleet/vnc/a/', right: '/fleet/vnc/a/websockify' },
  'a prefix that nobody has': { url: '/old/websockify', right: '/websockify' },
  'two slashes': { url: '//websockify', right: '/websockify' },
  'encoded once': { url: '/vnc%2Fa%2Fwebsockify', right: '/vnc/a/websockify' },
  'encoded twice': { url: '/vnc%252Fa%252Fwebsockify', right: '/vnc/a/websockify' },
  'the path of the gateway': { url: '/ws', gateway: '/vnc/a/websockify', right: '/vnc/a/websockify' },
  'a token that is lost': { url: '/websockify', gateway: '/websockify?token=x', right: '/websockify?token=x' },
};

const at = (path: string): URL => new URL(`wss://h.example:8443${path}`);

describe('other paths of a socket', () => {
  test.each(Object.entries(ROWS))('%s: the right one is among them', (_what, { url, page, gateway, right }) => {
    const hints = {
      page: page === undefined ? undefined : at(page),
      gateway: gateway === undefined ? undefined : at(gateway),
    };
    expect(pathsLike(at(url), hints).map(({ pathname, search }) => `${pathname}${search}`)).toContain(right);
  });

  test('are few, none is there twice, and the refused one is not among them', () => {
    const url = at('/a/b/a/b/c/d/e/f/websockify?token=x');
    const found = pathsLike(url, { page: at('/p/q/r/s/'), gateway: at('/websockify') }).map(({ href }) => href);
    expect(found.length).toBeLessThanOrEqual(8);
    expect(new Set(found).size).toBe(found.length);
    expect(found).not.toContain(url.href);
  });

  test('stay at the host, and a percent sign that encodes nothing is no path', () => {
    const found = pathsLike(at('/a%zz/b%2'), { page: undefined, gateway: undefined });
    expect(found.every(({ host }) => host === 'h.example:8443')).toBe(true);
  });
});
