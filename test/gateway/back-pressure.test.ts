import { describe, expect, test } from 'vitest';
import { startTestGateway } from './support/gateway.ts';
import { SERVER_INIT, startTestRunner } from './support/runner.ts';
import { openViewer } from './support/viewer.ts';

/** What the kernel may hold of a loopback connection, both ends, with room to spare. */
const KERNEL_BYTES = 16_000_000;
const FLOOD_BYTES = 64_000_000;

describe('back-pressure', () => {
  test('a viewer that does not read stops the reading of its runner, loses nothing, and costs its neighbour nothing', async () => {
    await using runner = await startTestRunner();
    await using gateway = await startTestGateway();
    const token = await gateway.token(runner.port);
    const slow = await openViewer(gateway.port, token);
    const slowRunner = await runner.next();
    const quick = await openViewer(gateway.port, token);
    const quickRunner = await runner.next();
    await slow.until(SERVER_INIT.length);
    slow.socket.pause();

    const flood = Buffer.alloc(FLOOD_BYTES, 3);
    let left = 0;
    for (let at = 0; at < FLOOD_BYTES; at += 64_000)
      slowRunner.socket.write(flood.subarray(at, at + 64_000), () => (left += 64_000));
    await expect.poll(async () => settled(() => left), { timeout: 5_000 }).toBe(true);
    expect(left).toBeLessThan(KERNEL_BYTES);

    const began = performance.now();
    quickRunner.socket.write('quick');
    await quick.until(SERVER_INIT.length + 5);
    expect(performance.now() - began).toBeLessThan(500);

    slow.socket.resume();
    expect((await slow.until(SERVER_INIT.length + FLOOD_BYTES)).length).toBe(SERVER_INIT.length + FLOOD_BYTES);
    slow.socket.close(1000);
    quick.socket.close(1000);
    const lines = await gateway.log('session.closed', 2);
    expect(lines.map(({ cause }) => cause)).toEqual(['viewer_closed', 'viewer_closed']);
  });

  test('a runner that does not read stops the reading of its viewer, is not blamed on the viewer, and ends as lost', async () => {
    await using runner = await startTestRunner();
    await using gateway = await startTestGateway();
    const viewer = await openViewer(gateway.port, await gateway.token(runner.port));
    const connection = await runner.next();
    await viewer.until(SERVER_INIT.length);
    connection.socket.pause();
    const piece = Buffer.alloc(64_000, 5);
    for (let sent = 0; sent < FLOOD_BYTES; sent += piece.length) viewer.send(piece);
    await expect.poll(async () => settled(() => viewer.socket.bufferedAmount), { timeout: 5_000 }).toBe(true);
    expect(viewer.socket.bufferedAmount).toBeGreaterThan(FLOOD_BYTES - KERNEL_BYTES);
    gateway.clock.pass(61_000);
    const [line] = await gateway.log('session.closed');
    expect(line).toMatchObject({ cause: 'upstream_lost', code: 4504, detail: expect.stringContaining('60000 ms') });
    viewer.socket.terminate();
  });

  test('a viewer that pings and does not read is answered no more than it takes', async () => {
    await using runner = await startTestRunner();
    await using gateway = await startTestGateway();
    const viewer = await openViewer(gateway.port, await gateway.token(runner.port));
    const connection = await runner.next();
    await viewer.until(SERVER_INIT.length);
    viewer.socket.pause();
    for (let sent = 0; sent < FLOOD_BYTES; sent += 1_000_000) connection.socket.write(Buffer.alloc(1_000_000));
    await expect.poll(async () => settled(() => connection.socket.writableLength), { timeout: 5_000 }).toBe(true);
    const before = process.memoryUsage().arrayBuffers;
    for (let count = 0; count < 50_000; count += 1) viewer.socket.ping(Buffer.alloc(100));
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(20_000_000);
    viewer.socket.terminate();
    await gateway.log('session.closed');
  });
});

/** Whether a number has come to rest. */
async function settled(read: () => number): Promise<boolean> {
  const before = read();
  await new Promise((resolve) => setTimeout(resolve, 200));
  return before !== 0 && read() === before;
}
