import { connect } from 'node:net';
import { errorText } from '../core/index.js';
import { ClientHandshake } from '../rfb/index.js';

/** One attempt at an RFB opening. */
const ATTEMPT_MS = 2_000;

/** Dials an RFB server, authenticates and reaches ServerInit; true, or in words what was seen instead. */
export function rfbAnswers(host: string, port: number, password: string): Promise<true | string> {
  return new Promise((resolve) => {
    const handshake = new ClientHandshake({ password });
    const socket = connect({ host, port, noDelay: true });
    const finish = (answer: true | string): void => {
      resolve(answer);
      socket.destroy();
    };
    socket.setTimeout(ATTEMPT_MS, () =>
      finish(`no ${handshake.waitingFor.replace(/^the /, '')} within ${ATTEMPT_MS} ms`),
    );
    socket.on('error', (error) => finish(errorText(error)));
    socket.on('close', () => finish(`the connection closed before ${handshake.waitingFor}`));
    socket.on('data', (bytes) => {
      for (const event of handshake.feed(bytes)) {
        if (event.type === 'send') socket.write(event.bytes);
        else if (event.type === 'serverInit') finish(true);
        else if (event.type === 'refused') finish(`refused: ${event.reason}`);
        else if (event.type === 'malformed') finish(`wanted ${event.want}, got ${event.got}`);
        else if (event.type === 'noCommonSecurity') finish(`offers security types ${event.types.join(', ')}`);
      }
    });
  });
}
