import { expect, test } from 'vitest';
import { routeOf } from '../../src/ingress/routes.ts';

test.each([
  ['/', 'ui', 'control', '/'],
  ['/?x=1', 'ui', 'control', '/?x=1'],
  ['/ui', 'ui', 'control', '/ui'],
  ['/ui/~assets/a.js', 'ui', 'control', '/ui/~assets/a.js'],
  ['/api', 'api', 'control', '/'],
  ['/api?rights=view', 'api', 'control', '/?rights=view'],
  ['/api/sessions?rights=view', 'api', 'control', '/sessions?rights=view'],
  ['/websockify?token=t', 'websockify', 'gateway', '/websockify?token=t'],
  ['/vnc/abc', 'vnc', 'gateway', '/vnc/abc'],
])('%s goes to %s', (url, router, service, path) => {
  expect(routeOf(url)).toEqual({ router, service, path });
});

test.each([
  '/vnc',
  '/vncx/abc',
  '/apis',
  '/uix',
  '/websockify/x',
  '/websockifyx',
  '/metrics',
  '/internal/sessions/1',
  '/index.html',
  '//',
  '',
  '*',
  'http://localhost/ui/',
])('%s goes nowhere', (url) => {
  expect(routeOf(url)).toBeUndefined();
});
