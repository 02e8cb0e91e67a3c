import { Duplex, PassThrough } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { StartPage } from '../../src/runner/start-page.ts';

interface Asked {
  readonly id: number;
  readonly method: string;
  readonly sessionId?: string;
}

/** A browser's end of a DevTools pipe. */
function openPipe(moment: 'domcontentloaded' | 'load' = 'load'): {
  page: StartPage;
  asked: Asked[];
  say: (...messages: object[]) => void;
  fromBrowser: PassThrough;
} {
  const asked: Asked[] = [];
  let text = '';
  const toBrowser = new Duplex({
    read() {},
    write(bytes: Buffer, _encoding, done) {
      text += bytes.toString();
      const parts = text.split('\0');
      text = parts.pop()!;
      asked.push(...parts.map((part): Asked => JSON.parse(part) as Asked));
      done();
    },
  });
  const fromBrowser = new PassThrough();
  const page = new StartPage(toBrowser, fromBrowser, moment);
  const say = (...messages: object[]): void =>
    void fromBrowser.write(messages.map((message) => `${JSON.stringify(message)}\0`).join(''));
  return { page, asked, say, fromBrowser };
}

const targets = (...types: string[]): object => ({
  result: { targetInfos: types.map((type, index) => ({ type, targetId: `t${index}` })) },
});
const attached = { method: 'Target.attachedToTarget', params: { sessionId: 's1' } };
const frame = (loaderId: string, url: string, more = {}): object => ({
  method: 'Page.frameNavigated',
  params: { frame: { loaderId, url, ...more } },
});
const tree = (loaderId: string, url: string): object => ({ result: { frameTree: { frame: { loaderId, url } } } });
const moment = (loaderId: string, name: string): object => ({
  method: 'Page.lifecycleEvent',
  params: { loaderId, name },
});
const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));

describe('a start page', () => {
  test.each<[string, 'domcontentloaded' | 'load', object[], string]>([
    ['is reached at the moment that is waited for', 'load', [tree('a', 'https://x/'), moment('a', 'load')], 'reached'],
    [
      'is reached earlier when less is waited for',
      'domcontentloaded',
      [frame('a', 'https://x/'), moment('a', 'DOMContentLoaded')],
      'reached',
    ],
    ['is not reached before', 'load', [frame('a', 'https://x/'), moment('a', 'DOMContentLoaded')], 'waiting'],
    ['is not the empty page before it', 'load', [tree('a', ''), moment('a', 'load')], 'waiting'],
    ['is not about:blank', 'load', [frame('a', 'about:blank'), moment('a', 'load')], 'waiting'],
    [
      'is not one of its frames',
      'load',
      [frame('a', 'https://ad/', { parentId: 'p' }), moment('a', 'load')],
      'waiting',
    ],
    [
      'is the last one of redirects',
      'load',
      [frame('a', 'https://x/'), frame('b', 'https://y/'), moment('a', 'load')],
      'waiting',
    ],
    [
      'that cannot be reached is told from one that has loaded',
      'load',
      [frame('a', 'chrome-error://chromewebdata/', { unreachableUrl: 'https://x/' }), moment('a', 'load')],
      'unreachable',
    ],
  ])('%s', async (_name, wanted, messages, state) => {
    const { page, say } = openPipe(wanted);
    say(targets('page'), attached, ...messages);
    await turn();
    expect(page.state).toBe(state);
    page.leave();
  });

  test('is asked for on the page of the browser, and waited for while there is none', async () => {
    const { page, asked, say } = openPipe();
    say(targets('browser_ui'));
    await expect.poll(() => asked.map(({ method }) => method)).toEqual(['Target.getTargets', 'Target.getTargets']);
    say(targets('browser_ui', 'page'), attached);
    await turn();
    expect(asked.slice(2)).toMatchObject([
      { method: 'Target.attachToTarget', params: { targetId: 't1', flatten: true } },
      { method: 'Page.enable', sessionId: 's1' },
      { method: 'Page.getFrameTree', sessionId: 's1' },
      { method: 'Page.setLifecycleEventsEnabled', sessionId: 's1' },
    ]);
    expect(new Set(asked.map(({ id }) => id)).size).toBe(asked.length);
    page.leave();
  });

  test('is read however the bytes are cut, with nonsense between', async () => {
    const all = [targets('page'), attached, tree('ä', 'https://x/'), moment('ä', 'load')]
      .map((message) => `${JSON.stringify(message)}\0`)
      .join('{nonsense\0"text"\0\0');
    for (const size of [1, 2, 7, 1_000]) {
      const { page, fromBrowser } = openPipe();
      const bytes = Buffer.from(all);
      for (let at = 0; at < bytes.length; at += size) fromBrowser.write(bytes.subarray(at, at + size));
      await turn();
      expect(page.state, `${size} bytes at a time`).toBe('reached');
    }
  });

  test('costs no more memory than its bound when a message never ends', async () => {
    const { page, fromBrowser, say } = openPipe();
    for (let index = 0; index < 8; index += 1) fromBrowser.write(Buffer.alloc(1_048_576, 'x'));
    await turn();
    say(targets('page'), attached, tree('a', 'https://x/'), moment('a', 'load'));
    await turn();
    expect(page.state).toBe('waiting');
  });

  test('is not waited for when the browser is gone', async () => {
    const { page, fromBrowser } = openPipe();
    fromBrowser.destroy(new Error('EPIPE'));
    await turn();
    expect(page.state).toBe('waiting');
  });
});
