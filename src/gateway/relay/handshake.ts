import { acceptFor } from '../../websocket/index.js';
import type { Handshake } from '../data-path.js';
import { type RequestHead, single } from '../upgrade-head.js';

/** What of an upgrade the answer needs; the request itself is not kept. */
export function handshakeOf(headers: RequestHead['headers']): Handshake {
  return { key: single(headers, 'sec-websocket-key') ?? '', binary: headers['sec-websocket-protocol'] !== undefined };
}

/** The 101 (RFC 6455 section 4.2.2). No extension: RFB is compressed already. */
export function switching({ key, binary }: Handshake): Buffer {
  const lines = [
    'HTTP/1.1 101 Switching Protocols',
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Accept: ${acceptFor(key)}`,
    ...(binary ? ['Sec-WebSocket-Protocol: binary'] : []),
  ];
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
}
