import { ByteQueue } from './byte-queue.js';
import { printable } from './printable.js';
import { SECURITY_NONE, SECURITY_VNC } from './security-types.js';
import {
  MAX_NAME_LENGTH,
  SERVER_INIT_FIXED_LENGTH,
  type ServerInit,
  parseServerInit,
  serverInitLength,
} from './server-init.js';
import { CHALLENGE_LENGTH, answerChallenge } from './vnc-auth.js';

export type ClientHandshakeEvent =
  /** Bytes that the client must send now. */
  | { readonly type: 'send'; readonly bytes: Buffer }
  /** The greeting, `003.008`. */
  | { readonly type: 'version'; readonly version: string }
  | { readonly type: 'security'; readonly types: readonly number[] }
  /** SecurityResult is OK (or, up to 3.7 with None, implied). `security` is the type that was used. */
  | { readonly type: 'authenticated'; readonly security: number }
  | { readonly type: 'serverInit'; readonly init: ServerInit }
  /** The server said no. `at: 'security'`: before any secret was shown; `at: 'result'`: the answer was wrong. */
  | { readonly type: 'refused'; readonly at: 'security' | 'result'; readonly reason: string }
  /** Nothing that we speak is on offer, or a password is wanted and none is known. */
  | { readonly type: 'noCommonSecurity'; readonly types: readonly number[]; readonly needsPassword: boolean }
  | { readonly type: 'malformed'; readonly want: string; readonly got: string };

interface Options {
  /** For VNC Authentication; absent, only None can be used. */
  readonly password?: string;
  /** Where to stop: after the security list, after SecurityResult, or after ServerInit (the default). */
  readonly until?: 'security' | 'authenticated' | 'serverInit';
}

/** The longest reason that is taken from a peer. */
const MAX_REASON_LENGTH = 4_096;
const GREETING_LENGTH = 12;

type Step = 'version' | 'security' | 'challenge' | 'result' | 'reason' | 'serverInit' | 'done';

/** The client's half of the opening (RFC 6143 section 7.1–7.3). ClientInit is always shared. */
export class ClientHandshake {
  readonly #queue = new ByteQueue();
  readonly #password: string | undefined;
  readonly #until: 'security' | 'authenticated' | 'serverInit';
  #step: Step = 'version';
  #minor = 8;
  #used = SECURITY_NONE;
  #refusedAt: 'security' | 'result' = 'security';

  constructor(options: Options = {}) {
    this.#password = options.password;
    this.#until = options.until ?? 'serverInit';
  }

  /** True once the handshake has ended, well or badly. */
  get done(): boolean {
    return this.#step === 'done';
  }

  /** What the handshake waits for, in words for a message. */
  get waitingFor(): string {
    return WAITING[this.#step];
  }

  /** Bytes of the server that came behind the handshake; empties the queue. */
  takeRest(): Buffer {
    return this.#queue.takeAll();
  }

  feed(chunk: Uint8Array): ClientHandshakeEvent[] {
    this.#queue.push(chunk);
    const events: ClientHandshakeEvent[] = [];
    while (!this.done) {
      const more = this.#next();
      if (more === undefined) break;
      events.push(...more);
    }
    return events;
  }

  /** The events of one message, or undefined when more bytes are needed. */
  #next(): ClientHandshakeEvent[] | undefined {
    switch (this.#step) {
      case 'version':
        return this.#version();
      case 'security':
        return this.#minor === 3 ? this.#dictatedSecurity() : this.#offeredSecurity();
      case 'challenge':
        return this.#challenge();
      case 'result':
        return this.#result();
      case 'reason':
        return this.#reason();
      case 'serverInit':
        return this.#serverInit();
      case 'done':
        return undefined;
    }
  }

  #version(): ClientHandshakeEvent[] | undefined {
    const early = this.#queue.peek(Math.min(this.#queue.length, GREETING_LENGTH));
    if (early && !'RFB '.startsWith(early.toString('latin1', 0, 4)))
      return this.#malformed('RFB xxx.yyy\\n', this.#queue.takeAll());
    const line = this.#queue.take(GREETING_LENGTH);
    if (!line) return undefined;
    const match = /^RFB (\d{3})\.(\d{3})\n$/.exec(line.toString('latin1'));
    if (!match) return this.#malformed('RFB xxx.yyy\\n', line);
    this.#minor = answeredMinor(Number(match[1]), Number(match[2]));
    this.#step = 'security';
    return [
      { type: 'version', version: `${match[1]}.${match[2]}` },
      { type: 'send', bytes: Buffer.from(`RFB 003.00${this.#minor}\n`, 'latin1') },
    ];
  }

  #dictatedSecurity(): ClientHandshakeEvent[] | undefined {
    const type = this.#queue.take(4)?.readUInt32BE(0);
    if (type === undefined) return undefined;
    if (type === 0) return this.#readReason('security');
    return this.#choose([type], false);
  }

  #offeredSecurity(): ClientHandshakeEvent[] | undefined {
    const count = this.#queue.peek(1)?.[0];
    if (count === undefined) return undefined;
    if (count === 0) {
      this.#queue.take(1);
      return this.#readReason('security');
    }
    const message = this.#queue.take(1 + count);
    return message && this.#choose([...message.subarray(1)], true);
  }

  #choose(types: readonly number[], tell: boolean): ClientHandshakeEvent[] {
    const events: ClientHandshakeEvent[] = [{ type: 'security', types }];
    if (this.#until === 'security') {
      this.#step = 'done';
      return events;
    }
    const usable = this.#password === undefined ? [SECURITY_NONE] : [SECURITY_VNC, SECURITY_NONE];
    const chosen = usable.find((type) => types.includes(type));
    if (chosen === undefined) {
      this.#step = 'done';
      return [...events, { type: 'noCommonSecurity', types, needsPassword: types.includes(SECURITY_VNC) }];
    }
    this.#used = chosen;
    if (tell) events.push({ type: 'send', bytes: Buffer.from([chosen]) });
    if (chosen === SECURITY_VNC) this.#step = 'challenge';
    else if (this.#minor === 8) this.#step = 'result';
    else events.push(...this.#authenticated());
    return events;
  }

  #challenge(): ClientHandshakeEvent[] | undefined {
    const challenge = this.#queue.take(CHALLENGE_LENGTH);
    if (!challenge) return undefined;
    this.#step = 'result';
    return [{ type: 'send', bytes: answerChallenge(challenge, this.#password ?? '') }];
  }

  #result(): ClientHandshakeEvent[] | undefined {
    const result = this.#queue.take(4)?.readUInt32BE(0);
    if (result === undefined) return undefined;
    if (result === 0) return this.#authenticated();
    if (result !== 1 && result !== 2) return this.#malformed('SecurityResult 0, 1 or 2', u32(result));
    if (this.#minor === 8) return this.#readReason('result');
    this.#step = 'done';
    return [{ type: 'refused', at: 'result', reason: result === 2 ? 'too many attempts' : 'authentication failed' }];
  }

  #authenticated(): ClientHandshakeEvent[] {
    const event: ClientHandshakeEvent = { type: 'authenticated', security: this.#used };
    if (this.#until === 'authenticated') {
      this.#step = 'done';
      return [event];
    }
    this.#step = 'serverInit';
    return [event, { type: 'send', bytes: Buffer.from([1]) }];
  }

  #readReason(at: 'security' | 'result'): ClientHandshakeEvent[] {
    this.#step = 'reason';
    this.#refusedAt = at;
    return [];
  }

  #reason(): ClientHandshakeEvent[] | undefined {
    const length = this.#queue.peek(4)?.readUInt32BE(0);
    if (length === undefined) return undefined;
    const taken = this.#queue.take(4 + Math.min(length, MAX_REASON_LENGTH));
    if (!taken) return undefined;
    this.#step = 'done';
    return [{ type: 'refused', at: this.#refusedAt, reason: taken.toString('utf8', 4) }];
  }

  #serverInit(): ClientHandshakeEvent[] | undefined {
    const length = serverInitLength(this.#queue.peek(SERVER_INIT_FIXED_LENGTH));
    if (length === undefined) return undefined;
    if (length > SERVER_INIT_FIXED_LENGTH + MAX_NAME_LENGTH)
      return this.#malformed(`a desktop name of at most ${MAX_NAME_LENGTH} bytes`, this.#queue.takeAll());
    const message = this.#queue.take(length);
    if (!message) return undefined;
    this.#step = 'done';
    return [{ type: 'serverInit', init: parseServerInit(message) }];
  }

  #malformed(want: string, got: Buffer): ClientHandshakeEvent[] {
    this.#step = 'done';
    return [{ type: 'malformed', want, got: printable(got) }];
  }
}

const WAITING: Readonly<Record<Step, string>> = {
  version: 'the RFB greeting',
  security: 'the security types',
  challenge: 'the challenge',
  result: 'SecurityResult',
  reason: 'the reason of the refusal',
  serverInit: 'ServerInit',
  done: 'nothing',
};

/** The version that we answer: the highest of 3.3, 3.7, 3.8 that is not above the server's (RFC 6143 section 7.1.1). */
function answeredMinor(major: number, minor: number): 3 | 7 | 8 {
  if (major > 3 || minor >= 8) return 8;
  return minor === 7 ? 7 : 3;
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
