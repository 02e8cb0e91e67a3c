import { describe, expect, test } from 'vitest';
import { startTestGateway } from './support/gateway.ts';
import { SERVER_INIT, startTestRunner } from './support/runner.ts';
import { openViewer } from './support/viewer.ts';

const KEY = Buffer.from([4, 1, 0, 0, 0, 0, 0, 65]);

describe('the relay', () => {
  test('carries the bytes both ways, unchanged, and asks the runner for a shared session', async () => {
    await using runner = await startTestRunner();
    await using gateway = await startTestGateway();
    const viewer = await openViewer(gateway.port, await gateway.token(runner.port));
    const connection = await runner.next();
    expect(connection.shared).toBe(true);
    expect(viewer.protocol).toBe('binary');
    expect(await viewer.until(SERVER_INIT.length)).toEqual(SERVER_INIT);

    const down = Buffer.from(Array.from({ length: 300_000 }, (_, index) => index % 251));
    connection.socket.write(down);
    expect((await viewer.until(SERVER_INIT.length + down.length)).subarray(SERVER_INIT.length).equals(down)).toBe(true);
    for (const byte of KEY) viewer.send(Buffer.from([byte]));
    expect(await connection.until(KEY.length)).toEqual(KEY);

    viewer.socket.close(1000);
    await viewer.closed;
    const [opened] = await gateway.log('session.opened');
    expect(opened).toMatchObject({
      level: 'info',
      session: 'session-1',
      remote: '127.0.0.1',
      target: `127.0.0.1:${runner.port}`,
      protocol: '003.008',
      rights: 'control',
      dialMs: expect.any(Number),
      greetingMs: expect.any(Number),
      wsKey: expect.stringMatching(/==$/),
      request: expect.any(String),
      token: expect.stringMatching(/^[0-9a-f]{8}$/),
    });
    const [closed] = await gateway.log('session.closed');
    expect(closed).toMatchObject({
      cause: 'viewer_closed',
      by: 'viewer',
      code: 1000,
      bytesUp: KEY.length,
      bytesDown: SERVER_INIT.length + down.length,
      durationMs: expect.any(Number),
      longestSilenceMs: expect.any(Number),
      pingP99Ms: null,
    });
  });
});
