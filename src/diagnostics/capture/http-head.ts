/** What the head of a message says that decides how to read on. */
export interface HeadFacts {
  /** The method, or the status of an answer. */
  readonly start: string;
  /** By lower-case name; a repeated header's last value. */
  readonly headers: ReadonlyMap<string, string>;
}

export type HeadTake =
  | { readonly type: 'more'; readonly kept: number }
  | { readonly type: 'end'; readonly kept: number; readonly facts: HeadFacts }
  /** No head of HTTP/1, or a longer one than we read. */
  | { readonly type: 'foreign' };

const LF = 0x0a;
const CR = 0x0d;
const X = 0x78;
/** A head longer than this is refused by every server of the path. */
const MAX_HEAD = 65_536;
/** A segment of a path that is longer may be a token; ids are shorter. */
const MAX_PATH_SEGMENT = 24;

const START_LINE = /^([A-Z]{3,8}) (\S+) HTTP\/1\.[01]$|^HTTP\/1\.[01] (\d{3})(?: .*)?$/;
const HEADER_LINE = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*$/;
/** Headers whose values hold no secret and tell of the path. All others are blanked. */
const OPEN_HEADERS: ReadonlySet<string> = new Set([
  'host',
  'upgrade',
  'connection',
  'sec-websocket-key',
  'sec-websocket-accept',
  'sec-websocket-version',
  'sec-websocket-extensions',
  'content-type',
  'content-length',
  'transfer-encoding',
  'server',
  'date',
  'retry-after',
  'user-agent',
  'x-forwarded-proto',
  'x-request-id',
]);
/** Some clients carry a token as a subprotocol: only those that are known are shown. */
const OPEN_SUBPROTOCOLS = /^(?:binary|base64|chat|vnc)(?:, *(?:binary|base64|chat|vnc))*$/;
/** Headers that hold a URL. */
const URL_HEADERS: ReadonlySet<string> = new Set(['origin', 'referer', 'location']);

/**
 * The head of HTTP/1 messages, fed bytes in order. Queries, long path segments and the values of unlisted headers are
 * overwritten with `x`, their lengths kept. A line that is cut by a packet's end is overwritten whole.
 */
export class HeadTape {
  readonly #onBlank: () => void;
  #line = '';
  #length = 0;
  #start: string | undefined;
  #headers = new Map<string, string>();

  /** `onBlank` is told of each value that is overwritten. */
  constructor(onBlank: () => void) {
    this.#onBlank = onBlank;
  }

  take(bytes: Buffer): HeadTake {
    let at = 0;
    while (at < bytes.length) {
      const feed = bytes.indexOf(LF, at);
      const end = feed < 0 ? bytes.length : feed + 1;
      const piece = bytes.subarray(at, end);
      this.#length += piece.length;
      if (this.#length > MAX_HEAD) return { type: 'foreign' };
      const isWhole = this.#line === '' && feed >= 0;
      this.#line += piece.toString('latin1');
      if (!isWhole) this.#overwrite(piece, 0, textLength(piece));
      at = end;
      if (feed < 0) break;
      const line = this.#line.replace(/\r?\n$/, '');
      this.#line = '';
      if (line === '' && this.#start !== undefined) return { type: 'end', kept: at, facts: this.#finish() };
      if (!this.#read(line, isWhole ? piece : undefined)) return { type: 'foreign' };
    }
    return { type: 'more', kept: at };
  }

  /** False when it is no line of a head. */
  #read(line: string, piece: Buffer | undefined): boolean {
    if (this.#start === undefined) {
      const match = START_LINE.exec(line);
      if (!match) return false;
      this.#start = match[1] ?? match[3]!;
      if (piece && match[2] !== undefined) this.#target(piece, match[1]!.length + 1, match[2]);
      return true;
    }
    const match = HEADER_LINE.exec(line);
    if (!match) return false;
    const name = match[1]!.toLowerCase();
    const value = match[2]!;
    this.#headers.set(name, value);
    if (piece && value !== '' && !isOpen(name, value)) {
      const at = line.indexOf(value, match[1]!.length + 1);
      if (URL_HEADERS.has(name)) this.#target(piece, at, value);
      else this.#overwrite(piece, at, value.length);
    }
    return true;
  }

  /** A path or a URL: the query, the fragment, credentials and long segments are overwritten. */
  #target(piece: Buffer, at: number, target: string): void {
    const query = target.search(/[?#;]/);
    const path = query < 0 ? target : target.slice(0, query);
    if (query >= 0) this.#overwrite(piece, at + query + 1, target.length - query - 1);
    for (const match of path.matchAll(/[^/]+/g)) {
      const isSecret = match[0].length > MAX_PATH_SEGMENT || match[0].includes('@');
      const isHost = match.index > 0 && /^[a-z]+:\/\/$/.test(path.slice(0, match.index));
      if (isSecret && !(isHost && !match[0].includes('@'))) this.#overwrite(piece, at + match.index, match[0].length);
    }
  }

  #overwrite(piece: Buffer, at: number, length: number): void {
    if (length <= 0) return;
    this.#onBlank();
    piece.fill(X, at, at + length);
  }

  #finish(): HeadFacts {
    const facts = { start: this.#start!, headers: this.#headers };
    this.#start = undefined;
    this.#headers = new Map();
    this.#length = 0;
    return facts;
  }
}

function isOpen(name: string, value: string): boolean {
  return OPEN_HEADERS.has(name) || (name === 'sec-websocket-protocol' && OPEN_SUBPROTOCOLS.test(value));
}

/** The length of a line's bytes without its end. */
function textLength(piece: Buffer): number {
  if (piece.at(-1) !== LF) return piece.length;
  return piece.at(-2) === CR ? piece.length - 2 : piece.length - 1;
}
