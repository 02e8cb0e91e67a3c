import { timingSafeEqual } from 'node:crypto';
import { ByteQueue } from './byte-queue.js';
import { printable } from './printable.js';
import { SECURITY_NONE, SECURITY_VNC } from './security-types.js';
import { CHALLENGE_LENGTH, answerChallenge } from './vnc-auth.js';

/** What a server asks of its viewers. The challenge is random, passed in. */
export type ServerSecurity =
  | { readonly type: 'none' }
  | { readonly type: 'vnc'; readonly password: string; readonly challenge: Buffer };

export type ServerHandshakeEvent =
  /** Bytes that the server must send now. */
  | { readonly type: 'send'; readonly bytes: Buffer }
  /** The viewer's version, `003.008`. */
  | { readonly type: 'version'; readonly version: string }
  | { readonly type: 'authenticated' }
  /** The viewer's answer was wrong; the refusal is among the events, the socket is to be ended. */
  | { readonly type: 'authFailed' }
  /** ClientInit has come: the server's next message is ServerInit. */
  | { readonly type: 'clientInit'; readonly shared: boolean }
  | { readonly type: 'malformed'; readonly want: string; readonly got: string };

const GREETING = Buffer.from('RFB 003.008\n', 'latin1');
const OK = Buffer.from([0, 0, 0, 0]);
const FAILED = Buffer.from([0, 0, 0, 1]);

type Step = 'version' | 'choice' | 'answer' | 'clientInit' | 'done';

/** The server's half of the opening (RFC 6143 section 7.1–7.3), through ClientInit. Call `start()` for the greeting. */
export class ServerHandshake {
  readonly #queue = new ByteQueue();
  readonly #security: ServerSecurity;
  #step: Step = 'version';
  #minor = 8;

  constructor(security: ServerSecurity) {
    this.#security = security;
  }

  get done(): boolean {
    return this.#step === 'done';
  }

  /** The greeting, to be sent as soon as the viewer is there: the server speaks first. */
  start(): Buffer {
    return GREETING;
  }

  /** Bytes of the viewer that came behind the handshake; empties the queue. */
  takeRest(): Buffer {
    return this.#queue.takeAll();
  }

  feed(chunk: Uint8Array): ServerHandshakeEvent[] {
    this.#queue.push(chunk);
    const events: ServerHandshakeEvent[] = [];
    while (!this.done) {
      const more = this.#next();
      if (more === undefined) break;
      events.push(...more);
    }
    return events;
  }

  #next(): ServerHandshakeEvent[] | undefined {
    switch (this.#step) {
      case 'version':
        return this.#version();
      case 'choice':
        return this.#choice();
      case 'answer':
        return this.#answer();
      case 'clientInit':
        return this.#clientInit();
      case 'done':
        return undefined;
    }
  }

  #version(): ServerHandshakeEvent[] | undefined {
    const line = this.#queue.take(GREETING.length);
    if (!line) return undefined;
    const minor = Number(/^RFB 003\.(\d{3})\n$/.exec(line.toString('latin1'))?.[1]);
    if (Number.isNaN(minor)) return this.#malformed('RFB 003.yyy\\n', line);
    this.#minor = minor >= 8 ? 8 : minor === 7 ? 7 : 3;
    const version: ServerHandshakeEvent = { type: 'version', version: line.toString('latin1', 4, 11) };
    if (this.#minor !== 3) {
      this.#step = 'choice';
      return [version, { type: 'send', bytes: Buffer.from([1, this.#type]) }];
    }
    return [version, { type: 'send', bytes: Buffer.from([0, 0, 0, this.#type]) }, ...this.#begin()];
  }

  #choice(): ServerHandshakeEvent[] | undefined {
    const choice = this.#queue.take(1);
    if (!choice) return undefined;
    return choice[0] === this.#type ? this.#begin() : this.#malformed(`security type ${this.#type}`, choice);
  }

  /** Begins the chosen security type. */
  #begin(): ServerHandshakeEvent[] {
    if (this.#security.type === 'vnc') {
      this.#step = 'answer';
      return [{ type: 'send', bytes: this.#security.challenge }];
    }
    this.#step = 'clientInit';
    const result: ServerHandshakeEvent[] = this.#minor === 8 ? [{ type: 'send', bytes: OK }] : [];
    return [...result, { type: 'authenticated' }];
  }

  #answer(): ServerHandshakeEvent[] | undefined {
    const answer = this.#queue.take(CHALLENGE_LENGTH);
    if (!answer || this.#security.type !== 'vnc') return undefined;
    if (timingSafeEqual(answer, answerChallenge(this.#security.challenge, this.#security.password))) {
      this.#step = 'clientInit';
      return [{ type: 'send', bytes: OK }, { type: 'authenticated' }];
    }
    this.#step = 'done';
    return [{ type: 'send', bytes: this.#refusal('authentication failed') }, { type: 'authFailed' }];
  }

  #clientInit(): ServerHandshakeEvent[] | undefined {
    const shared = this.#queue.take(1)?.[0];
    if (shared === undefined) return undefined;
    this.#step = 'done';
    return [{ type: 'clientInit', shared: shared !== 0 }];
  }

  get #type(): number {
    return this.#security.type === 'vnc' ? SECURITY_VNC : SECURITY_NONE;
  }

  #refusal(reason: string): Buffer {
    if (this.#minor !== 8) return FAILED;
    const text = Buffer.from(reason, 'utf8');
    const length = Buffer.alloc(4);
    length.writeUInt32BE(text.length);
    return Buffer.concat([FAILED, length, text]);
  }

  #malformed(want: string, got: Buffer): ServerHandshakeEvent[] {
    this.#step = 'done';
    return [{ type: 'malformed', want, got: printable(got) }];
  }
}
