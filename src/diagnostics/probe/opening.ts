import { ClientHandshake, type ClientHandshakeEvent, type ServerInit } from '../../rfb/index.js';
import type { DialFacts } from './facts.js';
import { whenAborted, whyAborted } from './limit.js';
import type { Wire, WireEnd } from './wire.js';

export interface Opened {
  readonly init: ServerInit;
  /** What came behind ServerInit until now; empties it. */
  takeRest(): Buffer;
}

/** What an RFB client says first, and no server of another kind can make anything of. */
const PROD = Buffer.from('RFB 003.008\n\r\n\r\n', 'latin1');
const PROD_MS = 1_000;

type Stop = NonNullable<DialFacts['stop']>;

/** The RFB opening over a wire, to ServerInit; undefined with the failure in `facts`, and the wire is gone then. */
export async function openRfb(
  wire: Wire,
  head: Buffer,
  { password, signal }: { readonly password: string | undefined; readonly signal: AbortSignal },
  facts: DialFacts,
): Promise<Opened | undefined> {
  const began = performance.now();
  const handshake = new ClientHandshake(password === undefined ? {} : { password });
  const rfb: NonNullable<DialFacts['rfb']> = {};
  facts.rfb = rfb;
  facts.stage = 'greeting';
  const { promise, resolve } = Promise.withResolvers<Opened | undefined>();
  let settled = false;
  const settle = (opened: Opened | undefined): void => {
    settled = true;
    resolve(opened);
  };
  const stop = (how: Stop, failure: string): void => {
    if (settled) return;
    Object.assign(facts, { failure, stop: how, stoppedAfterMs: performance.now() - began });
    settle(undefined);
    wire.drop();
  };

  const take = (event: ClientHandshakeEvent): void => {
    switch (event.type) {
      case 'send':
        wire.send(event.bytes);
        break;
      case 'version':
        Object.assign(rfb, { version: event.version, greetingMs: performance.now() - began });
        facts.stage = 'security';
        break;
      case 'security':
        rfb.types = [...event.types];
        break;
      case 'authenticated':
        rfb.security = event.security;
        facts.stage = 'serverInit';
        break;
      case 'serverInit': {
        const { width, height, name } = event.init;
        Object.assign(rfb, { width, height, name, initMs: performance.now() - began });
        if (width * height === 0) stop('malformed', `wanted a picture, got a screen of ${width}x${height} pixels`);
        else settle({ init: event.init, takeRest: () => handshake.takeRest() });
        break;
      }
      case 'refused':
        rfb.refused = event.reason;
        stop('refused', `the server refused: ${event.reason}`);
        break;
      case 'noCommonSecurity':
        rfb.noCommonSecurity = event.needsPassword ? 'password' : 'types';
        stop('refused', noCommon(event));
        break;
      case 'malformed':
        stop('malformed', `wanted ${event.want}, got ${event.got}`);
        break;
    }
  };

  void wire.ended.then((end) => {
    if (end.code !== null && !settled) facts.closeCode = end.code;
    if (end.broken === 'frames' && !settled) facts.brokeFrames = true;
    if (end.broken === 'text' && !settled) facts.sentText = true;
    stop(end.broken ? 'malformed' : 'ended', endedBefore(end, handshake.waitingFor));
  });
  const giveUp = (): void => stop('silence', whyAborted(signal, handshake.waitingFor));
  const release = whenAborted(signal, () => {
    if (facts.stage !== 'greeting' || !isTimeout(signal)) return giveUp();
    wire.send(PROD); // who waits for us to speak is no RFB server, and says now what it is
    setTimeout(giveUp, PROD_MS);
  });
  wire.start({ rfb: (bytes) => handshake.feed(bytes).forEach(take), pong: () => {}, drained: () => {} }, head);
  return promise.finally(release);
}

function isTimeout({ reason }: AbortSignal): boolean {
  return reason instanceof DOMException && reason.name === 'TimeoutError';
}

function noCommon({
  types,
  needsPassword,
}: Extract<ClientHandshakeEvent, { readonly type: 'noCommonSecurity' }>): string {
  if (needsPassword) return 'it wants a password, and none is known here';
  return `it offers security types ${types.join(', ')}`;
}

function endedBefore({ how, code, reason, broken }: WireEnd, waitingFor: string): string {
  if (broken) return reason;
  if (how === 'close_frame') return `close frame ${code ?? 'without a code'} ${reason}`.trim();
  const verb = how === 'rst' ? 'was reset' : 'ended';
  return `the connection ${verb} before ${waitingFor}`;
}
