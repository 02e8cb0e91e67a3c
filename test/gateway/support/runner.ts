import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, type Socket, createServer } from 'node:net';
import { ServerHandshake, type ServerSecurity, TRUE_COLOUR_32, encodeServerInit } from '../../../src/rfb/index.ts';
import { PASSWORD } from './gateway.ts';

export const SERVER_INIT = encodeServerInit({ width: 64, height: 48, format: TRUE_COLOUR_32, name: 'test' });

/** A runner's side of one connection, behind its handshake. */
export interface RunnerConnection {
  readonly socket: Socket;
  readonly shared: boolean;
  /** What came behind ClientInit. */
  received(): Buffer;
  /** Waits until so many bytes have come. */
  until(length: number): Promise<Buffer>;
}

export interface TestRunner extends AsyncDisposable {
  readonly port: number;
  readonly connections: number;
  /** The next connection that reaches ClientInit. */
  next(): Promise<RunnerConnection>;
}

/** An RFB server with a password (or none) that sends ServerInit and then only what the test says. */
export async function startTestRunner(
  options: { readonly password?: string | undefined; readonly init?: Buffer } = {},
): Promise<TestRunner> {
  const password = 'password' in options ? options.password : PASSWORD;
  const ready: RunnerConnection[] = [];
  const waiting: ((connection: RunnerConnection) => void)[] = [];
  const runner = await startRawRunner((socket) => {
    const security: ServerSecurity =
      password === undefined ? { type: 'none' } : { type: 'vnc', password, challenge: randomBytes(16) };
    const handshake = new ServerHandshake(security);
    const chunks: Buffer[] = [];
    socket.write(handshake.start());
    const onData = (bytes: Buffer): void => {
      for (const event of handshake.feed(bytes)) {
        if (event.type === 'send') socket.write(event.bytes);
        if (event.type === 'authFailed') socket.end();
        if (event.type !== 'clientInit') continue;
        socket.off('data', onData);
        chunks.push(handshake.takeRest());
        socket.on('data', (more: Buffer) => chunks.push(more));
        socket.write(options.init ?? SERVER_INIT);
        const received = (): Buffer => Buffer.concat(chunks);
        const connection = {
          socket,
          shared: event.shared,
          received,
          until: (length: number) => untilLength(received, length),
        };
        const tell = waiting.shift();
        if (tell) tell(connection);
        else ready.push(connection);
      }
    };
    socket.on('data', onData);
  });
  return {
    ...runner,
    get connections() {
      return runner.connections;
    },
    next: async () => {
      const connection = ready.shift();
      return connection ?? new Promise((resolve) => waiting.push(resolve));
    },
  };
}

/** A TCP server that does with each connection what it is told. */
export async function startRawRunner(
  serve: (socket: Socket) => void,
): Promise<AsyncDisposable & { readonly port: number; readonly connections: number }> {
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer({ noDelay: true }, (socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('close', () => sockets.delete(socket));
    serve(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    get connections() {
      return connections;
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

export async function untilLength(received: () => Buffer, length: number): Promise<Buffer> {
  const until = Date.now() + 5_000;
  while (received().length < length) {
    if (Date.now() > until) throw new Error(`${length} bytes awaited, ${received().length} came`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  return received();
}

/** A port on which nothing listens. */
export async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
