import { once } from 'node:events';
import { type IncomingMessage, type RequestListener, type Server, createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { EventHistory, followEvents, serveEvents } from '../../src/sse/index.ts';
import type { Follower } from '../../src/sse/follow.ts';

const servers: Server[] = [];
const followers: Follower[] = [];
afterEach(async () => {
  for (const follower of followers.splice(0)) follower.stop();
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function serving(listener: RequestListener): Promise<Server & { readonly port: number }> {
  const server = createServer(listener);
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return Object.assign(server, { port: (server.address() as AddressInfo).port });
}

interface Heard {
  readonly follower: Follower;
  readonly names: string[];
  readonly states: [boolean, string][];
}

function following(port: number): Heard {
  const heard = { names: [] as string[], states: [] as [boolean, string][] };
  const follower = followEvents({
    url: `http://127.0.0.1:${port}/`,
    headers: { 'x-key': 'k' },
    onEvent: ({ name }) => heard.names.push(name),
    onState: (...state) => heard.states.push(state),
    random: () => 0,
  });
  followers.push(follower);
  return { follower, ...heard };
}

describe('a follower', () => {
  test('misses nothing that is announced while it is away, also when it had heard nothing before', async () => {
    const history = new EventHistory();
    history.announce('old', {});
    let streams = 0;
    const server = await serving((request, response) => {
      streams += 1;
      serveEvents(request, response, history);
    });
    const { follower, names } = following(server.port);
    await expect.poll(() => follower.connected).toBe(true);
    await pause(50); // its position has come
    server.closeAllConnections();
    await expect.poll(() => follower.connected).toBe(false);
    history.announce('away', {});
    await expect.poll(() => streams, { timeout: 5_000 }).toBe(2);
    history.announce('back', {});
    await expect.poll(() => names).toEqual(['away', 'back']);
  });

  test('hears all of another life of the server, also when that has announced more than it had heard', async () => {
    let now = 1_000;
    const clock = { now: () => now, monotonic: () => 0 };
    let history = new EventHistory(clock);
    const server = await serving((request, response) => serveEvents(request, response, history));
    const { follower, names } = following(server.port);
    await expect.poll(() => follower.connected).toBe(true);
    history.announce('first life', {});
    await expect.poll(() => names).toEqual(['first life']);
    now = 60_000;
    history = new EventHistory(clock);
    for (const name of ['a', 'b', 'c']) history.announce(name, {});
    server.closeAllConnections();
    await expect.poll(() => names, { timeout: 5_000 }).toEqual(['first life', 'a', 'b', 'c']);
  });

  test.each<[string, RequestListener, string]>([
    ['a refusal', (_request, response) => void response.writeHead(401).end('no'), 'answered 401'],
    ['a refusal without an end', (_request, response) => void response.writeHead(503).write('no'), 'answered 503'],
    [
      'a page',
      (_request, response) => void response.writeHead(200, { 'content-type': 'text/html' }).write('<html>'),
      'answered with text/html, wanted text/event-stream',
    ],
    [
      'an answer without a type',
      (_request, response) => void response.writeHead(200).write('x'),
      'answered with nothing, wanted text/event-stream',
    ],
    ['a reset', (request) => void request.socket.resetAndDestroy(), 'read ECONNRESET'],
  ])('says why at %s, once, and comes back with no connection left behind', async (_name, listener, why) => {
    let isGood = false;
    let asked = 0;
    const history = new EventHistory();
    const server = await serving((request, response) => {
      asked += 1;
      if (isGood) serveEvents(request, response, history);
      else listener(request, response);
    });
    const { follower, states } = following(server.port);
    await expect.poll(() => asked, { timeout: 5_000 }).toBeGreaterThanOrEqual(2);
    expect(states).toEqual([[false, why]]);
    isGood = true;
    await expect.poll(() => follower.connected, { timeout: 5_000 }).toBe(true);
    expect(states).toEqual([
      [false, why],
      [true, 'connected'],
    ]);
    await expect.poll(() => connections(server)).toBe(1);
  });

  test('says why when nothing listens', async () => {
    const server = await serving(() => {});
    servers.pop();
    await new Promise((resolve) => server.close(resolve));
    const { states, follower } = following(server.port);
    await expect.poll(() => states).toEqual([[false, expect.stringContaining('ECONNREFUSED')]]);
    expect(follower.connected).toBe(false);
  });

  test('waits longer each time that it is refused', async () => {
    const asked: number[] = [];
    const server = await serving((_request, response) => {
      asked.push(performance.now());
      response.writeHead(500).end();
    });
    following(server.port);
    await expect.poll(() => asked.length, { timeout: 8_000 }).toBe(4);
    const pauses = asked.slice(1).map((at, index) => at - asked[index]!);
    for (const [index, least] of [100, 200, 400].entries()) {
      expect(pauses[index]).toBeGreaterThan(least - 20);
      expect(pauses[index]).toBeLessThan(least + 700);
    }
  });

  test('never sends an id that is no header', async () => {
    const ids: unknown[] = [];
    const server = await serving((request, response) => {
      ids.push(request.headers['last-event-id']);
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.end(ids.length === 1 ? 'id: 7\n\n' : `id: ${ids.length === 2 ? '\u4e2d' : 'y'.repeat(65)}\ndata: 1\n\n`);
    });
    following(server.port);
    await expect.poll(() => ids.slice(0, 4), { timeout: 5_000 }).toEqual([undefined, '7', '7', '7']);
  });

  test('stops for good, while it is connected and while it waits', async () => {
    const history = new EventHistory();
    let asked = 0;
    const server = await serving((request, response) => {
      asked += 1;
      serveEvents(request, response, history);
    });
    const { follower, states } = following(server.port);
    await expect.poll(() => follower.connected).toBe(true);
    follower.stop();
    expect(follower.connected).toBe(false);
    await expect.poll(() => connections(server)).toBe(0);
    const refused = await serving((_request, response) => void response.writeHead(500).end());
    const waiting = following(refused.port);
    await expect.poll(() => waiting.states.length).toBe(1);
    waiting.follower.stop();
    await pause(400);
    expect([asked, states.length]).toEqual([1, 1]);
  });
});

describe('a server of events', () => {
  test('keeps the last thousand events', () => {
    const history = new EventHistory();
    const first = history.lastId;
    for (let count = 0; count < 1_500; count += 1) history.announce('e', { count });
    expect(history.since(first)).toHaveLength(1_000);
    expect(history.since(history.lastId)).toEqual([]);
    expect(history.since(history.lastId - 2).map(({ data }) => data)).toEqual([{ count: 1_498 }, { count: 1_499 }]);
    expect(history.since(history.lastId + 1)).toHaveLength(1_000);
  });

  test.each([
    ['none', undefined, 0],
    ['nothing at all', '', 0],
    ['no number', 'abc', 0],
    ['a negative one', '-1', 0],
    ['a broken one', '1.5', 0],
    ['one of long ago', '0', 3],
    ['one of the future', '999999999999999', 3],
    ['one too long to be ours', '9'.repeat(40), 0],
  ])('sends to a follower with %s as its position what it has missed', async (_name, position, missed) => {
    const history = new EventHistory();
    for (let count = 0; count < 3; count += 1) history.announce('e', { count });
    const server = await serving((request, response) => serveEvents(request, response, history));
    const socket = connect(server.port, '127.0.0.1');
    const header = position === undefined ? '' : `Last-Event-ID: ${position}\r\n`;
    socket.write(`GET / HTTP/1.1\r\nHost: x\r\n${header}\r\n`);
    let text = '';
    socket.on('data', (bytes: Buffer) => (text += bytes.toString()));
    await pause(50);
    history.announce('later', {});
    await expect.poll(() => text).toContain('event: later');
    expect(text.match(/event: e\n/g) ?? []).toHaveLength(missed);
    socket.destroy();
  });

  test('tells a newcomer first what is kept, where that is asked for, and nothing twice', async () => {
    const history = new EventHistory();
    history.announce('one', {});
    history.announce('two', {});
    const server = await serving((request, response) =>
      serveEvents(request, response, history, { newcomersHear: 'kept' }),
    );
    const { follower, names } = following(server.port);
    await expect.poll(() => names).toEqual(['one', 'two']);
    server.closeAllConnections();
    await expect.poll(() => follower.connected).toBe(false);
    history.announce('three', {});
    await expect.poll(() => names, { timeout: 5_000 }).toEqual(['one', 'two', 'three']);
  });

  test('cuts off a follower that does not read, and forgets it', async () => {
    const history = new EventHistory();
    const server = await serving((request, response) => serveEvents(request, response, history));
    const socket = connect(server.port, '127.0.0.1');
    socket.on('error', () => {}); // it is cut off
    socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    await once(socket, 'data');
    socket.pause();
    const big = { text: 'x'.repeat(60_000) };
    await expect
      .poll(
        async () => {
          for (let count = 0; count < 20; count += 1) history.announce('big', big);
          return connections(server);
        },
        { timeout: 10_000, interval: 10 },
      )
      .toBe(0);
    for (let count = 0; count < 100; count += 1) history.announce('big', big);
    socket.destroy();
  });

  test('sends all that was missed to a follower that comes back, however much it is', async () => {
    const history = new EventHistory();
    for (let count = 0; count < 1_000; count += 1) history.announce('big', { text: 'x'.repeat(5_000) });
    const seen: (string | undefined)[] = [];
    const server = await serving((request: IncomingMessage, response) => {
      seen.push(request.headers['last-event-id'] as string | undefined);
      if (seen.length > 1) serveEvents(request, response, history);
      else response.writeHead(200, { 'content-type': 'text/event-stream' }).end('id: 1\n\n');
    });
    const { names } = following(server.port);
    await expect.poll(() => names.length, { timeout: 10_000 }).toBe(1_000);
    expect(seen).toEqual([undefined, '1']);
  });
});

function connections(server: Server): Promise<number> {
  return new Promise((resolve, reject) =>
    server.getConnections((error, count) => (error ? reject(error) : resolve(count))),
  );
}
