export interface ParsedEvent {
  readonly id: string;
  readonly name: string;
  readonly data: string;
}

/** The longest event that is taken from a peer, in characters; a longer one is dropped whole. */
const MAX_EVENT_LENGTH = 65_536;

/** Text in, events out. Comments and unknown fields are ignored as the standard says. */
export class EventParser {
  #pending = '';
  #id = '';

  /** The last `id:` that came, also of a block without data: where a follower resumes. */
  get lastId(): string {
    return this.#id;
  }

  feed(text: string): ParsedEvent[] {
    this.#pending += text;
    const blocks = this.#pending.split(/\r?\n\r?\n/);
    this.#pending = blocks.pop() ?? '';
    if (this.#pending.length > MAX_EVENT_LENGTH) this.#pending = '';
    return blocks.flatMap((block) => this.#event(block));
  }

  #event(block: string): ParsedEvent[] {
    let name = 'message';
    const data: string[] = [];
    for (const line of block.split(/\r?\n/)) {
      const [, field, value] = /^([^:]+):? ?(.*)$/.exec(line) ?? [];
      if (field === 'id') this.#id = value ?? '';
      else if (field === 'event') name = value ?? name;
      else if (field === 'data') data.push(value ?? '');
    }
    return data.length > 0 ? [{ id: this.#id, name, data: data.join('\n') }] : [];
  }
}
