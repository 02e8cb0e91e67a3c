import { once } from 'node:events';
import { type ClientHttp2Session, type ClientHttp2Stream, connect as connectHttp2 } from 'node:http2';
import { isIP } from 'node:net';
import { type TLSSocket, connect as connectTls } from 'node:tls';
import { errorText } from '../../core/index.js';
import { type DialOptions, endpointOf } from './dial.js';
import type { SocketTarget } from './look.js';
import { trusting } from './tls.js';

/** What the place that ends TLS does with a WebSocket over HTTP/2 (RFC 8441). */
export type Http2Facts =
  /** No HTTP/2, or no extended CONNECT on offer: browsers use HTTP/1.1 for sockets. */
  | { readonly offered: false }
  /** `saw`: the status of the answer, or what came instead. */
  | { readonly offered: true; readonly opens: boolean; readonly saw: string };

type Options = Omit<DialOptions, 'keepPicture'>;

/** Asks for a socket as a browser does that has an HTTP/2 connection. Throws where that cannot be found out. */
export async function lookByHttp2(target: SocketTarget, options: Options): Promise<Http2Facts> {
  const signal = AbortSignal.any([options.signal, AbortSignal.timeout(options.timeoutMs)]);
  const socket = await openSocket(target, options, signal);
  if (socket.alpnProtocol !== 'h2') {
    socket.destroy();
    return { offered: false };
  }
  const session = connectHttp2(target.url.href.replace(/^wss/, 'https'), { createConnection: () => socket });
  session.on('error', () => {}); // its streams, and the wait below, hear of it
  try {
    await once(session, 'remoteSettings', { signal });
    if (session.remoteSettings.enableConnectProtocol !== true) return { offered: false };
    return { offered: true, ...(await answerTo(ask(session, target), signal)) };
  } finally {
    session.destroy();
  }
}

async function openSocket(target: SocketTarget, { ca, resolve }: Options, signal: AbortSignal): Promise<TLSSocket> {
  const { host, port } = endpointOf(target);
  const socket = connectTls({
    host: resolve.get(`${host}:${port}`) ?? host,
    port,
    ...(isIP(host) ? {} : { servername: host }),
    ALPNProtocols: ['h2', 'http/1.1'],
    rejectUnauthorized: false, // the dial by HTTP/1.1 says what is wrong with a certificate
    secureContext: trusting(ca),
  });
  try {
    await once(socket, 'secureConnect', { signal });
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

function ask(session: ClientHttp2Session, { url, origin, headers }: SocketTarget): ClientHttp2Stream {
  return session.request(
    {
      ':method': 'CONNECT',
      ':protocol': 'websocket',
      ':scheme': 'https',
      ':authority': url.host,
      ':path': `${url.pathname}${url.search}`,
      'sec-websocket-version': '13',
      'sec-websocket-protocol': 'binary',
      ...(origin !== undefined && { origin }),
      ...headers,
    },
    { endStream: false },
  );
}

async function answerTo(
  stream: ClientHttp2Stream,
  signal: AbortSignal,
): Promise<{ readonly opens: boolean; readonly saw: string }> {
  try {
    const [headers] = (await once(stream, 'response', { signal })) as [{ readonly ':status'?: number }];
    const status = headers[':status'] ?? 0;
    return { opens: status === 200, saw: `answered ${status}` };
  } catch (error) {
    return { opens: false, saw: signal.aborted ? 'no answer' : errorText(error) };
  } finally {
    stream.on('error', () => {}); // that it is closed is our own doing
    stream.close();
  }
}
