import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { type AddressInfo, type Socket, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { ensurePki } from '../../../../src/pki/index.ts';

export interface Certificate {
  readonly cert: string;
  readonly key: string;
  /** The authority that signed it. */
  readonly ca: string;
}

const DAY_MS = 86_400_000;

/** A leaf for some hosts under an authority of its own, made so many days ago; it lives for 90. */
export async function certificateFor(hosts: readonly string[], daysAgo = 1): Promise<Certificate> {
  const folder = await mkdtemp(join(tmpdir(), 'camofleet-peer-'));
  const at = (name: string): string => join(folder, name);
  const files = {
    caCertificate: at('ca.pem'),
    caKey: at('ca.key'),
    leafCertificate: at('leaf.pem'),
    leafKey: at('leaf.key'),
  };
  try {
    await ensurePki(files, hosts, Date.now() - daysAgo * DAY_MS);
    const [cert, key, ca] = await Promise.all(
      [files.leafCertificate, files.leafKey, files.caCertificate].map((file) => readFile(file, 'utf8')),
    );
    return { cert: cert!, key: key!, ca: ca! };
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** One connection at the server: what is written to and read from, and the TCP socket below it. */
export interface Peer {
  readonly stream: Duplex;
  readonly tcp: Socket;
}

export interface PeerServer extends AsyncDisposable {
  readonly port: number;
  /** Connections so far. */
  readonly connections: number;
  /** Connections whose other side has not gone away. */
  readonly open: number;
}

export interface PeerOptions {
  readonly host?: string;
  /** Absent: no TLS. */
  readonly certificate?: Certificate | undefined;
  readonly version?: 'TLSv1.2' | 'TLSv1.3';
  /** Over TLS, `stream.end()` says close_notify and leaves TCP open. */
  readonly keepsTcp?: boolean;
}

/** A server on port 0 that does with each connection what the test says, over TLS or not. */
export async function startPeer(serve: (peer: Peer) => void, options: PeerOptions = {}): Promise<PeerServer> {
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (tcp) => {
    connections += 1;
    sockets.add(tcp);
    tcp.on('error', () => {});
    tcp.once('close', () => sockets.delete(tcp));
    tcp.once('end', () => tcp.end());
    const stream = options.certificate ? overTls(tcp, options.certificate, options) : tcp;
    stream.on('error', () => {}); // a client that leaves in the middle is what many tests are about
    serve({ stream, tcp });
    stream.resume(); // a server that says nothing still notices when its client leaves
  });
  server.listen(0, options.host ?? '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    get connections() {
      return connections;
    },
    get open() {
      return sockets.size;
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** TLS over a passage of our own, so that a test can end TLS and TCP each by itself. */
function overTls(tcp: Socket, { cert, key }: Certificate, options: PeerOptions): TLSSocket {
  const passage = new Duplex({
    allowHalfOpen: true,
    read: () => tcp.resume(),
    write: (bytes: Buffer, _encoding, done) => void tcp.write(bytes, done),
    final: (done) => {
      if (options.keepsTcp) done();
      else tcp.end(done);
    },
  });
  tcp.on('data', (bytes) => passage.push(bytes));
  tcp.on('end', () => passage.push(null));
  tcp.on('close', () => passage.destroy());
  const version = options.version ?? 'TLSv1.3';
  return new TLSSocket(passage, { isServer: true, cert, key, minVersion: version, maxVersion: version });
}
