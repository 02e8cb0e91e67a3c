import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from 'vitest';
import { EventHistory, EventParser, followEvents, serveEvents } from '../../src/sse/index.ts';

const STREAM = ': hello\n\nid: 4\n\nid: 5\nevent: a\ndata: {"n":1}\n\nevent: b\ndata: one\ndata: two\n\n';

describe('the parser of event streams', () => {
  test.each([1, 2, 7, STREAM.length])('reads the same events cut at %i characters', (size) => {
    const parser = new EventParser();
    const events = [];
    for (let at = 0; at < STREAM.length; at += size) events.push(...parser.feed(STREAM.slice(at, at + size)));
    expect(events).toEqual([
      { id: '5', name: 'a', data: '{"n":1}' },
      { id: '5', name: 'b', data: 'one\ntwo' },
    ]);
    expect(parser.lastId).toBe('5');
  });

  test('drops an event that is longer than any of ours', () => {
    const parser = new EventParser();
    for (let piece = 0; piece < 100; piece += 1) expect(parser.feed('x'.repeat(10_000))).toEqual([]);
    expect(parser.feed('\n\ndata: next\n\n')).toEqual([{ id: '', name: 'message', data: 'next' }]);
  });
});

describe('a follower', () => {
  test('misses nothing that is announced while it is away, also when it had heard nothing before', async () => {
    const history = new EventHistory();
    history.announce('old', {});
    let streams = 0;
    const server = createServer((request, response) => {
      streams += 1;
      serveEvents(request, response, history);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const heard: string[] = [];
    const follower = followEvents({
      url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
      headers: {},
      onEvent: ({ name }) => heard.push(name),
      onState: () => {},
      random: () => 0,
    });
    await expect.poll(() => follower.connected).toBe(true);
    await new Promise((resolve) => setTimeout(resolve, 50)); // its position has come
    server.closeAllConnections();
    await expect.poll(() => follower.connected).toBe(false);
    history.announce('away', {});
    await expect.poll(() => streams, { timeout: 3_000 }).toBe(2);
    history.announce('back', {});
    await expect.poll(() => heard).toEqual(['away', 'back']);
    follower.stop();
    server.close();
    server.closeAllConnections();
  });
});
