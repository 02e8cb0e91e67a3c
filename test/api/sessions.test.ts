import { describe, expect, test } from 'vitest';
import {
  type CreateSession,
  type RunnerSession,
  createSessionSchema,
  publicSessionSchema,
  runnerHealthSchema,
  runnerSessionSchema,
  workerSchema,
} from '../../src/api/index.ts';

const SESSION: RunnerSession = {
  worker: 'runner-1',
  id: 'k3v9',
  status: 'ready',
  created_at: '2026-11-23T15:04:05.000Z',
  last_seen_at: '2026-11-23T15:04:06.000Z',
  browser: 'testcard',
  headless: false,
  idle_ttl_seconds: 300,
  labels: { team: 'a' },
  ws_endpoint: null,
  vnc_enabled: true,
  start_url_wait: 'none',
  kind: 'testcard',
  target: { host: '10.0.0.7', port: 5_901, password: 'canary' },
  screen: { width: 640, height: 480 },
};

describe('a request for a session', () => {
  test.each<[string, CreateSession]>([
    ['nothing at all', {}],
    [
      'everything',
      {
        worker: 'runner-1',
        browser: 'chromium',
        headless: false,
        vnc: true,
        start_url: 'https://example.com/',
        start_url_wait: 'load',
        idle_ttl_seconds: 0,
        resolution: '1920x1080x24',
        labels: { 'camofleet.verify': 'run' },
      },
    ],
    ['as many labels as there may be', { labels: labels(64) }],
  ])('may hold %s', (_name, request) => {
    expect(createSessionSchema.parse(request)).toEqual(request);
  });

  test.each<[string, unknown, string]>([
    ['a field that nobody knows', { browsr: 'chromium' }, 'browsr'],
    ['a command in place of a name', { browser: ['chromium', '--flag'] }, 'browser'],
    ['text for a number', { idle_ttl_seconds: '300' }, 'idle_ttl_seconds'],
    ['a negative time', { idle_ttl_seconds: -1 }, 'idle_ttl_seconds'],
    ['an endless time', { idle_ttl_seconds: Infinity }, 'idle_ttl_seconds'],
    ['a resolution without depth', { resolution: '1920x1080' }, 'resolution'],
    ['a resolution with a depth that no viewer has', { resolution: '1920x1080x8' }, 'resolution'],
    ['an option behind the resolution', { resolution: '1920x1080x24 -ac' }, 'resolution'],
    ['a wait that is none', { start_url_wait: 'networkidle' }, 'start_url_wait'],
    ['labels that are no text', { labels: { a: 1 } }, 'labels'],
    ['too many labels', { labels: labels(65) }, 'labels'],
    ['a label that is too long', { labels: { a: 'x'.repeat(257) } }, 'labels'],
    ['a name that is too long', { browser: 'x'.repeat(129) }, 'browser'],
    ['a URL that is too long', { start_url: `https://x/${'x'.repeat(9_000)}` }, 'start_url'],
    ['a list', [], 'array'],
  ])('may not hold %s, and the answer names it', (_name, request, named) => {
    const result = createSessionSchema.safeParse(request);
    expect(result.success).toBe(false);
    expect(result.error?.message).toContain(named);
  });
});

describe('a session', () => {
  test('is read from a runner, also with fields that a newer one adds', () => {
    expect(runnerSessionSchema.parse({ ...SESSION, newer: 1 })).toEqual(SESSION);
    expect(runnerSessionSchema.parse({ ...SESSION, target: null, screen: null }).target).toBeNull();
  });

  test.each<[string, object]>([
    ['a status that is none', { status: 'gone' }],
    ['a port that is none', { target: { host: 'h', port: 70_000, password: 'p' } }],
    ['port 0', { target: { host: 'h', port: 0, password: 'p' } }],
    ['no password', { target: { host: 'h', port: 5_900 } }],
    ['half a screen', { screen: { width: 640 } }],
    ['no id', { id: undefined }],
  ])('is not read from a runner with %s', (_name, change) => {
    expect(runnerSessionSchema.safeParse({ ...SESSION, ...change }).success).toBe(false);
  });

  test('as it is published holds neither target nor password', () => {
    const vnc = { ws: 'wss://h/websockify?token=t', http: 'https://h/vnc/k3v9#token=t', password_protected: false };
    const published = publicSessionSchema.parse({ ...SESSION, vnc });
    expect(published).toMatchObject({ id: 'k3v9', vnc, screen: { width: 640, height: 480 } });
    expect(published).not.toHaveProperty('target');
    expect(JSON.stringify(published)).not.toMatch(/canary|10\.0\.0\.7/);
  });
});

test('a worker that was not asked yet, and a runner that lacks programs, are told as such', () => {
  const worker = {
    name: 'runner-1',
    supports_vnc: true,
    reachable: null,
    age_seconds: null,
    sessions: null,
    capacity: null,
    browsers: [],
    error: null,
  };
  expect(workerSchema.parse(worker)).toEqual(worker);
  expect(workerSchema.safeParse({ ...worker, reachable: 'yes' }).success).toBe(false);
  const health = {
    status: 'degraded',
    name: 'runner-1',
    version: '1',
    sessions: 0,
    capacity: 1,
    browsers: ['testcard'],
    missing: ['Xvfb'],
  };
  expect(runnerHealthSchema.parse(health)).toEqual(health);
  expect(runnerHealthSchema.safeParse({ ...health, status: 'ill' }).success).toBe(false);
});

function labels(count: number): Record<string, string> {
  return Object.fromEntries(Array.from({ length: count }, (_, at) => [`label-${at}`, 'x']));
}
