import { describe, expect, test } from 'vitest';
import { fillPageTemplate, fillSocketTemplate } from '../../src/control/overrides.ts';
import { controlSettings } from '../../src/settings/index.ts';

const filling = { sessionId: 'SID', token: 'TOKEN', host: '10.0.0.7', port: 5901 };

describe('in an address', () => {
  test.each([
    ['wss://h/websockify?token={id}', 'wss://h/websockify?token=TOKEN'],
    ['wss://h/{id}/ws?token={id}', 'wss://h/SID/ws?token=TOKEN'],
    ['wss://{host}:{port}/ws?token={id}&via={host}', 'wss://10.0.0.7:5901/ws?token=TOKEN&via=10.0.0.7'],
  ])('%s, the token stands in the query and the public id in the path', (template, url) => {
    expect(fillSocketTemplate(template, filling)).toBe(url);
  });

  test('of a page, the token travels in the fragment', () => {
    expect(fillPageTemplate('https://h/vnc/{id}', filling)).toBe('https://h/vnc/SID#token=TOKEN');
  });
});

describe('a worker is refused at start, with the position,', () => {
  const load = (workers: unknown): unknown =>
    controlSettings.load({
      env: { CONTROL_WORKERS: typeof workers === 'string' ? workers : JSON.stringify(workers) },
      knownNames: [],
    });
  const worker = { name: 'w', url: 'http://127.0.0.1:8070' };

  test.each([
    ['that is no array', {}, 'an array of {name, url'],
    ['without a name', [{ url: worker.url }], 'a name for worker 1'],
    ['without a URL', [worker, { name: 'x', url: 'nowhere' }], 'a URL for worker "x"'],
    ['that is there twice', [worker, worker], '"w" is there twice'],
    ['with an unknown placeholder', [{ ...worker, vnc_ws: 'wss://h/ws?token={sid}' }], 'not {sid} at character 18'],
    ['with an open brace', [{ ...worker, vnc_ws: 'wss://h/ws?token={id' }], 'for the { at character 18'],
    ['without {id}', [{ ...worker, vnc_http: 'https://h/vnc/' }], '{id} in vnc_http of worker "w"'],
    [
      'with a scheme that is no socket',
      [{ ...worker, vnc_ws: 'https://h/ws?token={id}' }],
      'begin with ws:// or wss://',
    ],
    ['with a scheme that is no page', [{ ...worker, vnc_http: 'ftp://h/{id}' }], 'begin with http:// or https://'],
    ['with a template that is no text', [{ ...worker, vnc_ws: 7 }], 'text as vnc_ws of worker "w"'],
    ['with discover that is neither', [{ ...worker, discover: 'dns' }], 'true or false as discover of worker "w"'],
    [
      'with discover behind a certificate',
      [{ ...worker, url: 'https://h', discover: true }],
      'an http:// URL for worker "w"',
    ],
    ['that is no JSON', '[', 'CONTROL_WORKERS'],
  ])('%s', (_case, workers, message) => {
    expect(() => load(workers)).toThrow(expect.objectContaining({ code: 'CF_CONFIG_INVALID' }));
    expect(() => load(workers)).toThrow(message);
  });

  test('unless it says nothing of templates: then it publishes no address', () => {
    expect(load([{ ...worker, supports_vnc: false, vnc_ws: '', vnc_http: null }])).toMatchObject({
      workers: [{ ...worker, supportsVnc: false }],
    });
  });
});
