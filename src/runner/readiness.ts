import { connect } from 'node:net';
import { errorText } from '../core/index.js';
import { ClientHandshake, SECURITY_NONE } from '../rfb/index.js';

/** One attempt at an RFB opening. */
const ATTEMPT_MS = 2_000;

/** Dials an RFB server, authenticates and reaches ServerInit; true, or in words what was seen instead. */
export function rfbAnswers(host: string, port: number, password: string, signal: AbortSignal): Promise<true | string> {
  return new Promise((resolve) => {
    const handshake = new ClientHandshake({ password });
    const socket = connect({ host, port, noDelay: true });
    const give = (answer: true | string): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      resolve(answer);
      socket.destroy();
    };
    const onAbort = (): void => give(`no ${awaited(handshake)} in time`);
    const timer = setTimeout(() => give(`no ${awaited(handshake)} within ${ATTEMPT_MS} ms`), ATTEMPT_MS);
    signal.addEventListener('abort', onAbort, { once: true });
    socket.on('error', (error) => give(errorText(error)));
    socket.on('close', () => give(`the connection closed before ${handshake.waitingFor}`));
    socket.on('data', (bytes) => {
      for (const event of handshake.feed(bytes)) {
        if (event.type === 'send') socket.write(event.bytes);
        else if (event.type === 'authenticated' && event.security === SECURITY_NONE) give('it asks for no password');
        else if (event.type === 'serverInit') give(true);
        else if (event.type === 'refused') give(`refused: ${event.reason}`);
        else if (event.type === 'malformed') give(`wanted ${event.want}, got ${event.got}`);
        else if (event.type === 'noCommonSecurity') give(`offers security types ${event.types.join(', ')}`);
      }
    });
  });
}

/** Dials an RFB server and reads its greeting, no more; true, or in words what was seen instead. */
export function rfbGreets(host: string, port: number, signal: AbortSignal): Promise<true | string> {
  return new Promise((resolve) => {
    const handshake = new ClientHandshake({ until: 'security' });
    const socket = connect({ host, port, signal });
    const give = (answer: true | string): void => {
      resolve(answer);
      socket.destroy();
    };
    socket.on('error', (error) => give(signal.aborted ? `no ${awaited(handshake)} in time` : errorText(error)));
    socket.on('close', () => give(`the connection closed before ${handshake.waitingFor}`));
    socket.on('data', (bytes) => {
      for (const event of handshake.feed(bytes)) {
        if (event.type === 'version') give(true);
        else if (event.type === 'malformed') give(`wanted ${event.want}, got ${event.got}`);
      }
    });
  });
}

function awaited(handshake: ClientHandshake): string {
  return handshake.waitingFor.replace(/^the /, '');
}
