import { once } from 'node:events';
import { type Server, createServer, request } from 'node:http';
import { type AddressInfo, type Socket, connect } from 'node:net';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { adoptInto, bytesQueued, writeThrough } from '../../../src/gateway/relay/internals.ts';

interface Upgraded extends AsyncDisposable {
  readonly server: Server;
  readonly accepted: Socket;
  readonly client: Socket;
}

/** A connection as http hands it over with an upgrade. */
async function upgraded(): Promise<Upgraded> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  client.on('error', () => {});
  client.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
  const [, accepted] = (await once(server, 'upgrade')) as [unknown, Socket];
  return {
    server,
    accepted,
    client,
    [Symbol.asyncDispose]: async () => {
      accepted.destroy();
      client.destroy();
      server.close();
    },
  };
}

/** Takes the reads over; the socket, or undefined where that cannot be done. */
function adopt(accepted: Socket, buffer: Buffer, onBytes: (length: number) => boolean): Socket | undefined {
  return adoptInto(buffer)(accepted, onBytes) ? accepted : undefined;
}

async function connectionsOf(server: Server): Promise<number> {
  return promisify(server.getConnections.bind(server))();
}

/** These fail when Node's sockets are made differently: then the gateway takes its slower, public way, and this module is due. */
describe('adoption of an accepted socket on this Node', () => {
  test('all that it reads goes into our buffer, whoever held the socket before', async () => {
    await using one = await upgraded();
    const buffer = Buffer.alloc(65_536);
    const read: string[] = [];
    const socket = adopt(one.accepted, buffer, (length) => {
      read.push(buffer.toString('latin1', 0, length));
      return true;
    });
    expect(socket).toBeDefined();
    one.client.write('first');
    await expect.poll(() => read.join('')).toBe('first');
    one.client.write('second');
    await expect.poll(() => read.join('')).toBe('firstsecond');
    socket!.write('answer');
    const [answer] = (await once(one.client, 'data')) as [Buffer];
    expect(answer.toString()).toBe('answer');
    socket!.destroy();
  });

  test('a callback that says no stops the reading until it is resumed', async () => {
    await using one = await upgraded();
    const buffer = Buffer.alloc(4);
    let got = '';
    const socket = adopt(one.accepted, buffer, (length) => {
      got += buffer.toString('latin1', 0, length);
      return false;
    })!;
    one.client.write('abcdefgh');
    await expect.poll(() => got).toBe('abcd');
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(got).toBe('abcd');
    socket.resume();
    await expect.poll(() => got).toBe('abcdefgh');
    socket.destroy();
  });

  test('an end is an end, and both halves close apart', async () => {
    await using one = await upgraded();
    const socket = adopt(one.accepted, Buffer.alloc(64), () => true)!;
    one.client.end();
    await once(socket, 'end');
    expect(socket.writable).toBe(true);
    const closed = once(socket, 'close');
    socket.end('behind the end');
    const [rest] = (await once(one.client, 'data')) as [Buffer];
    expect(rest.toString()).toBe('behind the end');
    await closed;
  });

  test('the server counts the connection once, and no more when it has closed', async () => {
    await using one = await upgraded();
    const socket = adopt(one.accepted, Buffer.alloc(64), () => true)!;
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(await connectionsOf(one.server)).toBe(1);
    socket.destroy();
    await once(socket, 'close');
    expect(await connectionsOf(one.server)).toBe(0);
  });

  test('the bytes that the kernel has not taken are known', async () => {
    await using one = await upgraded();
    const socket = adopt(one.accepted, Buffer.alloc(64), () => true)!;
    expect(bytesQueued(socket)).toBe(0);
    one.client.pause();
    const piece = Buffer.alloc(1_000_000);
    while (socket.writableLength === 0) socket.write(piece);
    expect(bytesQueued(socket)).toBeGreaterThan(0);
    expect(bytesQueued(socket)).toBeLessThan(piece.length); // a part of the write is gone: Node itself counts it whole
    socket.destroy();
  });

  test('a socket that is gone, or whose handle is of another kind, is left as it was', async () => {
    await using one = await upgraded();
    const inner = one.accepted as unknown as { _handle: object };
    const handle = inner._handle;
    inner._handle = {};
    expect(adopt(one.accepted, Buffer.alloc(64), () => true)).toBeUndefined();
    inner._handle = handle;
    one.client.write('still read');
    const [bytes] = (await once(one.accepted, 'data')) as [Buffer];
    expect(bytes.toString()).toBe('still read');
    one.accepted.destroy();
    expect(adopt(one.accepted, Buffer.alloc(64), () => true)).toBeUndefined();
  });
});

describe('a write past the stream of a socket on this Node', () => {
  const never = (): never => {
    throw new Error('nothing was under way');
  };

  test('leaves at once where the kernel has room, and is nothing that the stream knows of', async () => {
    await using one = await upgraded();
    const written = [writeThrough(one.accepted, Buffer.from('one '), never)];
    written.push(writeThrough(one.accepted, Buffer.from('two'), never));
    expect(written).toEqual([true, true]);
    expect(one.accepted.writableLength).toBe(0);
    await expect.poll(() => one.client.read()?.toString()).toBe('one two');
  });

  test('is under way where the kernel is full, told of when it has left, and followed by what is written then', async () => {
    await using one = await upgraded();
    const pieces: Buffer[] = [];
    let left = 0;
    for (let mark = 1; left === 0; mark += 1) {
      const piece = Buffer.alloc(300_000, mark);
      pieces.push(piece);
      const isLeft = writeThrough(one.accepted, piece, () => (left = 2));
      expect(isLeft).toBeTypeOf('boolean');
      if (!isLeft) left = 1;
    }
    expect(bytesQueued(one.accepted)).toBeGreaterThan(0);
    one.accepted.end('behind it');
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(left).toBe(1);
    const got: Buffer[] = [];
    for await (const chunk of one.client) got.push(chunk as Buffer);
    expect(left).toBe(2);
    expect(Buffer.concat(got).equals(Buffer.concat([...pieces, Buffer.from('behind it')]))).toBe(true);
  });

  test('that is under way when the socket is destroyed is told of as well', async () => {
    await using one = await upgraded();
    let told = 0;
    while (writeThrough(one.accepted, Buffer.alloc(300_000), () => (told += 1)));
    one.accepted.destroy();
    await once(one.accepted, 'close');
    await expect.poll(() => told).toBe(1);
  });

  test('on a broken connection ends the socket, which says why', async () => {
    await using one = await upgraded();
    one.client.resetAndDestroy();
    const failed = once(one.accepted, 'error');
    await expect.poll(() => writeThrough(one.accepted, Buffer.from('x'), never)).toBeUndefined(); // no handle any more
    expect(await failed).toMatchObject([{ message: expect.stringMatching(/^(read|write) (ECONNRESET|EPIPE)$/) }]);
  });

  test('fails as the stream would have failed', async () => {
    await using one = await upgraded();
    one.accepted.end();
    await once(one.accepted, 'finish');
    const failed = once(one.accepted, 'error');
    expect(writeThrough(one.accepted, Buffer.from('behind the end'), never)).toBe(true);
    expect(await failed).toMatchObject([
      { message: 'write EPIPE', code: 'EPIPE', syscall: 'write', errno: expect.any(Number) },
    ]);
    expect(one.accepted.destroyed).toBe(true);
  });

  test('on a socket that is gone, or whose handle is of another kind, writes nothing', async () => {
    await using one = await upgraded();
    const inner = one.accepted as unknown as { _handle: object };
    const handle = inner._handle;
    inner._handle = {};
    expect(writeThrough(one.accepted, Buffer.from('x'), never)).toBeUndefined();
    inner._handle = handle;
    one.accepted.destroy();
    expect(writeThrough(one.accepted, Buffer.from('x'), never)).toBeUndefined();
  });
});

test('a socket that dials stays with its last buffer where it is given no other', async () => {
  await using one = await upgraded();
  const [first, second] = [Buffer.alloc(2), Buffer.alloc(4)];
  const answers: (Buffer | undefined)[] = [first, undefined, second, undefined];
  const read: string[] = [];
  const buffer = (): Buffer => answers.shift() as never;
  const socket = connect({
    port: (one.server.address() as AddressInfo).port,
    host: '127.0.0.1',
    onread: { buffer, callback: (length, bytes) => read.push(Buffer.from(bytes).toString('latin1', 0, length)) > 0 },
  });
  socket.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: y\r\n\r\n');
  const [, accepted] = (await once(one.server, 'upgrade')) as [unknown, Socket];
  accepted.write('aabbccccdddd');
  await expect.poll(() => read).toEqual(['aa', 'bb', 'cccc', 'dddd']);
  socket.destroy();
  accepted.destroy();
});

test('an upgrade over http is what these tests stand for', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const asked = request({ port, host: '127.0.0.1', headers: { connection: 'Upgrade', upgrade: 'websocket' } }).end();
  asked.on('error', () => {});
  const [, accepted] = (await once(server, 'upgrade')) as [unknown, Socket];
  const socket = adopt(accepted, Buffer.alloc(64), () => true)!;
  socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
  const [answer] = await once(asked, 'upgrade');
  expect(answer).toMatchObject({ statusCode: 101 });
  asked.destroy();
  socket.destroy();
  server.close();
});
