import { type Field, FieldTape, type Fields } from './fields.js';

const VERSION_LENGTH = 12;
const VERSION = /^RFB 003\.(\d{3})\n$/;
const NONE = 1;
const VNC = 2;
const CHALLENGE_LENGTH = 16;
const SERVER_INIT_LENGTH = 24;
const NAME_LENGTH_AT = 20;

/**
 * The opening of an RFB session (RFC 6143 section 7) as it may be kept: versions, security types, results and sizes stay;
 * challenge, response, reasons and the desktop's name are blanked; everything behind ServerInit and ClientInit, so every
 * keystroke and pixel, is cut. So is everything that does not fit the protocol.
 */
export class RfbOpening {
  readonly server: FieldTape;
  readonly client: FieldTape;
  readonly #onBlank: () => void;
  #serverMinor: number | undefined;
  #clientMinor: number | undefined;
  #security: number | undefined;

  constructor(onBlank: () => void) {
    this.#onBlank = onBlank;
    this.server = new FieldTape(this.#serverFields());
    this.client = new FieldTape(this.#clientFields());
  }

  /** 3, 7 or 8, once both have spoken. */
  get #minor(): 3 | 7 | 8 | undefined {
    if (this.#serverMinor === undefined || this.#clientMinor === undefined) return undefined;
    const minor = Math.min(this.#serverMinor, this.#clientMinor);
    return minor >= 8 ? 8 : minor === 7 ? 7 : 3;
  }

  *#serverFields(): Fields {
    yield version((minor) => (this.#serverMinor = minor));
    if (this.#minor === undefined) return;
    if (this.#minor === 3) yield keep(4, (bytes) => (this.#security = bytes.readUInt32BE(0)));
    else {
      const [count = 0] = yield keep(1);
      if (count === 0) this.#security = 0;
      else yield keep(count);
    }
    if (this.#security === 0) return yield* this.#text();
    if (this.#security !== NONE && this.#security !== VNC) return;
    if (this.#security === VNC) yield this.#blank(CHALLENGE_LENGTH);
    if (this.#security === VNC || this.#minor === 8) {
      const result = (yield keep(4)).readUInt32BE(0);
      if (result !== 0) return this.#minor === 8 ? yield* this.#text() : undefined;
    }
    const init = yield keep(SERVER_INIT_LENGTH);
    yield this.#blank(init.readUInt32BE(NAME_LENGTH_AT));
  }

  *#clientFields(): Fields {
    yield version((minor) => (this.#clientMinor = minor));
    if (this.#minor === undefined) return;
    if (this.#minor !== 3) yield keep(1, ([type]) => (this.#security = type));
    if (this.#security !== NONE && this.#security !== VNC) return;
    if (this.#security === VNC) yield this.#blank(CHALLENGE_LENGTH);
    yield keep(1);
  }

  /** A reason, behind its length. */
  *#text(): Fields {
    yield this.#blank((yield keep(4)).readUInt32BE(0));
  }

  #blank(length: number): Field {
    this.#onBlank();
    return { length, action: 'blank' };
  }
}

function keep(length: number, read?: (bytes: Buffer) => void): Field {
  return { length, action: 'keep', ...(read && { read }) };
}

function version(tell: (minor: number) => void): Field {
  const read = (bytes: Buffer): void => tell(Number(VERSION.exec(bytes.toString('latin1'))?.[1]));
  return { length: VERSION_LENGTH, action: 'keep', accept: VERSION, read };
}
