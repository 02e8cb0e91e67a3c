import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { ensurePki } from '../../../src/pki/index.ts';
import { startTestGateway } from '../support/gateway.ts';
import { SERVER_INIT, startTestRunner } from '../support/runner.ts';
import { openViewer } from '../support/viewer.ts';

/**
 * Node's internals as if they had changed: nothing is adopted, nothing is written past a stream, and whole writes are all
 * that is known of a queue.
 */
vi.mock('../../../src/gateway/relay/internals.ts', () => ({
  adoptInto: () => () => false,
  writeThrough: () => undefined,
  bytesQueued: ({ writableLength }: { readonly writableLength: number }) => writableLength,
}));

/** What the kernel may hold of a loopback connection, both ends, with what waits in the gateway and in TLS. */
const KERNEL_BYTES = 20_000_000;
const FLOOD_BYTES = 48_000_000;
const PIECE = 64_000;

const dir = mkdtempSync(join(tmpdir(), 'camofleet-public-way-'));
const files = {
  caCertificate: join(dir, 'ca.pem'),
  caKey: join(dir, 'ca.key'),
  leafCertificate: join(dir, 'leaf.pem'),
  leafKey: join(dir, 'leaf.key'),
};
beforeAll(async () => {
  await ensurePki(files, ['localhost', '127.0.0.1'], Date.now());
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const TLS = {
  CAMOFLEET_GATEWAY_TLS_CERT_FILE: files.leafCertificate,
  CAMOFLEET_GATEWAY_TLS_KEY_FILE: files.leafKey,
};

/** Bytes that tell a place from any other. */
function flood(): Buffer {
  const bytes = Buffer.alloc(FLOOD_BYTES);
  for (let at = 0; at < FLOOD_BYTES; at += 4) bytes.writeUInt32LE(at, at);
  return bytes;
}

/** Whether a number has come to rest. */
async function settled(read: () => number): Promise<boolean> {
  const before = read();
  await new Promise((resolve) => setTimeout(resolve, 250));
  return before !== 0 && read() === before;
}

describe.each([
  ['plain', {}, false],
  ['inside TLS', TLS, true],
] as const)('a viewer whose socket cannot be adopted, %s,', (_name, env, tls) => {
  test('is relayed both ways, byte for byte', async () => {
    await using runner = await startTestRunner();
    await using gateway = await startTestGateway(env);
    const viewer = await openViewer(gateway.port, await gateway.token(runner.port), { tls });
    const connection = await runner.next();
    const down = flood().subarray(0, 3_000_000);
    connection.socket.write(down);
    const got = await viewer.until(SERVER_INIT.length + down.length);
    expect(got.subarray(SERVER_INIT.length).equals(down)).toBe(true);
    for (const size of [1, 125, 126, 70_000, 600_000]) viewer.send(down.subarray(0, size));
    const up = await connection.until(670_252);
    expect(up.subarray(-600_000).equals(down.subarray(0, 600_000))).toBe(true);
    viewer.socket.close(1000);
    expect(await viewer.closed).toEqual({ code: 1000, reason: '' });
    const [line] = await gateway.log('session.closed');
    expect(line).toMatchObject({ cause: 'viewer_closed', bytesUp: 670_252 });
  });

  test('stops the reading of its runner while it does not read, and then misses nothing', async () => {
    await using runner = await startTestRunner();
    await using gateway = await startTestGateway(env);
    const viewer = await openViewer(gateway.port, await gateway.token(runner.port), { tls });
    const connection = await runner.next();
    await viewer.until(SERVER_INIT.length);
    viewer.socket.pause();
    const bytes = flood();
    let left = 0;
    for (let at = 0; at < FLOOD_BYTES; at += PIECE)
      connection.socket.write(bytes.subarray(at, at + PIECE), () => (left += PIECE));
    await expect.poll(() => settled(() => left), { timeout: 8_000 }).toBe(true);
    expect(left).toBeLessThan(KERNEL_BYTES);
    viewer.socket.resume();
    const got = await viewer.until(SERVER_INIT.length + FLOOD_BYTES);
    expect(got.subarray(SERVER_INIT.length).equals(bytes)).toBe(true);
    viewer.socket.terminate();
    await gateway.log('session.closed');
  });

  test('is not read while its runner reads nothing, and then nothing is missing', async () => {
    await using runner = await startTestRunner();
    await using gateway = await startTestGateway(env);
    const viewer = await openViewer(gateway.port, await gateway.token(runner.port), { tls });
    const connection = await runner.next();
    await viewer.until(SERVER_INIT.length);
    connection.socket.pause();
    const bytes = flood();
    for (let at = 0; at < FLOOD_BYTES; at += PIECE) viewer.send(bytes.subarray(at, at + PIECE));
    await expect.poll(() => settled(() => viewer.socket.bufferedAmount), { timeout: 8_000 }).toBe(true);
    expect(viewer.socket.bufferedAmount).toBeGreaterThan(FLOOD_BYTES - KERNEL_BYTES);
    connection.socket.resume();
    expect((await connection.until(FLOOD_BYTES)).equals(bytes)).toBe(true);
    viewer.socket.terminate();
    await gateway.log('session.closed');
  });
});
