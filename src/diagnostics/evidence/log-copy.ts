import { type FileHandle, open, stat } from 'node:fs/promises';
import { redactText } from '../../core/index.js';
import { type LogMark, linesWith, readLogSince } from '../logs/index.js';

/** What of a log is wanted. */
export interface LogWanted {
  readonly from: LogMark | number;
  /** Of a long log, lines that hold one of these are wanted wherever they are. */
  readonly needles: readonly string[];
}

/** Bytes of one log that are copied: the end of it when it is longer. The lines are given back, so it bounds memory. */
export const MAX_LOG_BYTES = 16_777_216;
/** Lines with a needle that are copied of what lies before. */
const MAX_FOUND_LINES = 10_000;
/** Lines are written in pieces of so many characters. */
const WRITE_CHARACTERS = 65_536;

/** A log on its way into the run: redacted line by line. What was written before a failure stays. */
export class LogCopy {
  readonly lines: string[] = [];
  redactions = 0;
  /** In words, what was left out of a long log. */
  left = '';
  readonly #path: string;
  #target: FileHandle | undefined;
  #pending = '';

  constructor(path: string) {
    this.#path = path;
  }

  get isOpen(): boolean {
    return this.#target !== undefined;
  }

  async takeAll(source: string, { from, needles }: LogWanted): Promise<void> {
    const { size } = await stat(source);
    const start = typeof from === 'number' ? from : from.size;
    this.#target = await open(this.#path, 'w', 0o600);
    if (size - start > MAX_LOG_BYTES) return this.#takeLong(source, { start, end: size - MAX_LOG_BYTES }, needles);
    for await (const { text, isCut } of readLogSince(source, from, MAX_LOG_BYTES)) await this.#line(text, isCut);
  }

  async close(): Promise<void> {
    try {
      await this.#target?.writeFile(this.#pending);
    } finally {
      await this.#target?.close();
    }
  }

  async #takeLong(
    source: string,
    before: { readonly start: number; readonly end: number },
    needles: readonly string[],
  ): Promise<void> {
    for await (const text of linesWith(source, before, needles)) {
      if (this.lines.length >= MAX_FOUND_LINES) break;
      await this.#line(text, false);
    }
    this.left = `, its last ${MAX_LOG_BYTES} bytes and ${this.lines.length} of our own before them`;
    let isFirst = true;
    for await (const { text, isCut } of readLogSince(source, before.end, MAX_LOG_BYTES)) {
      // It begins inside a line, and half a token would not be recognised.
      if (!isFirst) await this.#line(text, isCut);
      isFirst = false;
    }
  }

  async #line(text: string, isCut: boolean): Promise<void> {
    const redacted = redactText(isCut ? `${text}…` : text);
    this.redactions += redacted.hidden;
    this.lines.push(redacted.text);
    this.#pending += `${redacted.text}\n`;
    if (this.#pending.length < WRITE_CHARACTERS) return;
    const piece = this.#pending;
    this.#pending = '';
    await this.#target?.writeFile(piece);
  }
}
