export interface ParsedEvent {
  readonly id: string;
  readonly name: string;
  readonly data: string;
}

/** The longest event that is taken from a peer, in characters; a longer one is dropped whole, and holds nothing. */
const MAX_EVENT_LENGTH = 65_536;

const BYTE_ORDER_MARK = '\u{feff}';

/**
 * Text in, events out (WHATWG HTML, section 9.2.6), the same however the text is cut. Comments and unknown fields are
 * ignored as the standard says.
 */
export class EventParser {
  #id = '';
  #isFirst = true;
  /** The last text ended with CR: an LF that follows belongs to it. */
  #endedWithCr = false;
  #line = '';
  #lines: string[] = [];
  /** Characters of the event so far, those that were dropped included. */
  #length = 0;
  #isBlank = true;

  /** The last `id:` that came, also of a block without data: where a follower resumes. */
  get lastId(): string {
    return this.#id;
  }

  feed(text: string): ParsedEvent[] {
    if (text === '') return [];
    let rest = this.#isFirst && text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text;
    if (this.#endedWithCr && rest.startsWith('\n')) rest = rest.slice(1);
    this.#isFirst = false;
    this.#endedWithCr = rest.endsWith('\r');
    const pieces = rest.split(/\r\n|\r|\n/);
    const open = pieces.pop() ?? '';
    const events = pieces.flatMap((piece) => this.#endLine(piece));
    this.#append(open);
    return events;
  }

  #append(text: string): void {
    if (text === '') return;
    this.#isBlank = false;
    this.#length += text.length;
    if (this.#length <= MAX_EVENT_LENGTH) this.#line += text;
    else {
      this.#line = '';
      this.#lines = [];
    }
  }

  #endLine(piece: string): ParsedEvent[] {
    this.#append(piece);
    if (this.#isBlank) return this.#endEvent();
    this.#isBlank = true;
    if (this.#length <= MAX_EVENT_LENGTH) this.#lines.push(this.#line);
    this.#line = '';
    return [];
  }

  #endEvent(): ParsedEvent[] {
    const lines = this.#lines;
    const isWhole = this.#length <= MAX_EVENT_LENGTH;
    this.#lines = [];
    this.#length = 0;
    return isWhole ? this.#event(lines) : [];
  }

  #event(lines: readonly string[]): ParsedEvent[] {
    let name = '';
    const data: string[] = [];
    for (const line of lines) {
      const [, field, value = ''] = /^([^:]+)(?:: ?(.*))?$/s.exec(line) ?? [];
      if (field === 'id' && !value.includes('\0')) this.#id = value;
      else if (field === 'event') name = value;
      else if (field === 'data') data.push(value);
    }
    return data.length > 0 ? [{ id: this.#id, name: name || 'message', data: data.join('\n') }] : [];
  }
}
