import { type ClientMessageEvent, ClientMessageParser, encodeSetEncodings } from '../rfb/index.js';

/** Asks the server for pointer events of another length; a filter must know every length, so it is not asked for. */
const EXTENDED_MOUSE_BUTTONS = -316;

/** What a viewer without the right to control may send on; the rest is dropped, an unknown message ends the session. */
export class ViewOnlyFilter {
  readonly #parser = new ClientMessageParser();

  /** The bytes that pass, or `unknown` with the number of a message that cannot be told. */
  filter(chunk: Uint8Array): { readonly pass: Buffer; readonly unknown?: number } {
    const events = this.#parser.feed(chunk);
    const pass = Buffer.concat(events.map(passing).filter((bytes) => bytes !== NOTHING));
    const last = events.at(-1);
    return last?.type === 'unknown' ? { pass, unknown: last.number } : { pass };
  }
}

const NOTHING = Buffer.alloc(0);

function passing(event: ClientMessageEvent): Buffer {
  if (event.type !== 'message') return NOTHING;
  switch (event.message.type) {
    case 'setEncodings':
      return encodeSetEncodings(event.message.encodings.filter((encoding) => encoding !== EXTENDED_MOUSE_BUTTONS));
    case 'setPixelFormat':
    case 'updateRequest':
    case 'continuousUpdates':
    case 'fence':
      return event.bytes;
    case 'key':
    case 'pointer':
    case 'xvp':
    case 'setDesktopSize':
      return NOTHING;
  }
}
