import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { appendFile, mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { errorText, redactText } from '../../core/index.js';
import { type Artifact, type Collected, type Report, renderHtml, renderJUnit } from '../../report/index.js';
import { LogCopy, type LogWanted } from './log-copy.js';
import { redactData } from './redact.js';

/** The folder of one run of verify. What cannot be written is noted and never stops the run. */
export interface Run {
  readonly id: string;
  readonly dir: string;
  readonly collected: readonly Collected[];
  /** Writes a file of the run, whole or not at all; text is redacted. */
  write(name: string, kind: Artifact['kind'], content: string | Buffer): Promise<void>;
  /**
   * Copies what a log has gained since a mark, redacted, line by line; gives the lines that were kept. Of a long one the end,
   * and before it the lines that hold one of the needles.
   */
  collectLog(source: string, name: string, log: LogWanted): Promise<readonly string[]>;
  /** Takes a file that is in the folder already, such as a capture. */
  adopt(name: string, kind: Artifact['kind'], redactions: number): void;
  note(collected: Collected): void;
  /**
   * Writes junit.xml, report.html, collection.log and, last, report.json with the sums of all files, and points `latest`
   * to the run. Gives the report as it was written: redacted, with what could not be written in `collection`.
   */
  finish(draft: Report): Promise<Report>;
}

/** Kept free from the start, so that a disk that evidence has filled still takes the report. */
const RESERVE_BYTES = 1_048_576;
const RESERVE = '.reserve';
const COLLECTION_LOG = 'collection.log';

interface RunFacts {
  readonly nowMs: number;
  readonly suffix: string;
}

/** The name of a run and of its folder: `2026-11-23T15-04-05Z-7f3a`. */
export function runId({ nowMs, suffix }: RunFacts): string {
  return `${new Date(nowMs).toISOString().slice(0, 19).replaceAll(':', '-')}Z-${suffix}`;
}

/** Makes the folder `<out>/<time>-<id>/`, private to the user. */
export async function openRun(out: string, facts: RunFacts): Promise<Run> {
  const run = new RunFolder(runId(facts), out);
  await run.open();
  return run;
}

class RunFolder implements Run {
  readonly id: string;
  readonly dir: string;
  readonly #out: string;
  readonly #collected: Collected[] = [];
  readonly #kept = new Map<string, { readonly kind: Artifact['kind']; readonly redactions: number }>();
  /** collection.log grows as things happen: a crash loses nothing that was said. */
  #logging: Promise<void> = Promise.resolve();

  constructor(id: string, out: string) {
    this.id = id;
    this.dir = join(out, id);
    this.#out = out;
  }

  get collected(): readonly Collected[] {
    return this.#collected;
  }

  async open(): Promise<void> {
    await this.#attempt('the run folder', async () => {
      await mkdir(this.#out, { recursive: true });
      await mkdir(this.dir, { mode: 0o700 });
      await writeFile(join(this.dir, RESERVE), Buffer.alloc(RESERVE_BYTES), { mode: 0o600 });
    });
  }

  note(collected: Collected): void {
    const entry = redactData(collected).value;
    this.#collected.push(entry);
    const { what, status, because } = entry;
    const line = `${status.padEnd(7)} ${what}${because === undefined ? '' : `: ${because.replaceAll('\n', ' ')}`}\n`;
    this.#logging = this.#logging
      .then(() => appendFile(join(this.dir, COLLECTION_LOG), line, { mode: 0o600 }))
      .catch(() => undefined); // what it says is in the report as well
  }

  adopt(name: string, kind: Artifact['kind'], redactions: number): void {
    this.#kept.set(name, { kind, redactions });
  }

  async write(name: string, kind: Artifact['kind'], content: string | Buffer): Promise<void> {
    const redacted = typeof content === 'string' ? redactText(content) : { text: content, hidden: 0 };
    await this.#attempt(name, async () => {
      const part = join(this.dir, `${name}.part`);
      try {
        await writeFile(part, redacted.text, { mode: 0o600 });
        await rename(part, join(this.dir, name));
      } catch (error) {
        await rm(part, { force: true });
        throw error;
      }
      this.adopt(name, kind, redacted.hidden);
    });
  }

  async collectLog(source: string, name: string, wanted: LogWanted): Promise<readonly string[]> {
    const copy = new LogCopy(join(this.dir, name));
    await this.#attempt(name, async () => {
      try {
        await copy.takeAll(source, wanted);
      } finally {
        if (copy.isOpen) this.adopt(name, 'log', copy.redactions);
        await copy.close();
      }
      this.note({ what: name, status: 'ok', because: `${copy.lines.length} lines of ${basename(source)}${copy.left}` });
    });
    return copy.lines;
  }

  async finish(draft: Report): Promise<Report> {
    await rm(join(this.dir, RESERVE), { force: true }).catch(() => undefined); // then there was none
    const clean = redactData(draft).value;
    await this.#logging;
    this.adopt(COLLECTION_LOG, 'text', 0);
    const described = await this.#describe(clean);
    await this.write('junit.xml', 'junit', renderJUnit(described));
    await this.write('report.html', 'html', renderHtml(described));
    await this.#logging;
    const report = await this.#writeReport(clean);
    await this.#publish();
    const isSaid = report.collection.length === this.#collected.length;
    await this.#logging;
    return isSaid ? report : this.#writeReport(clean);
  }

  async #writeReport(clean: Report): Promise<Report> {
    const report = await this.#describe(clean);
    await this.write('report.json', 'report', `${JSON.stringify(report, null, 2)}\n`);
    return { ...report, collection: [...this.#collected] };
  }

  async #describe(report: Report): Promise<Report> {
    return { ...report, artifacts: await this.#artifacts(), collection: [...this.#collected] };
  }

  /** Sums of what is there; a file that could not be written is not. */
  async #artifacts(): Promise<readonly Artifact[]> {
    const list: Artifact[] = [];
    for (const [path, { kind, redactions }] of this.#kept) {
      if (kind === 'report') continue; // it cannot hold its own sum
      const sum = createHash('sha256');
      let bytes = 0;
      try {
        for await (const chunk of createReadStream(join(this.dir, path))) {
          sum.update(chunk as Buffer);
          bytes += (chunk as Buffer).length;
        }
        list.push({ path, kind, bytes, sha256: sum.digest('hex'), redactions });
      } catch {
        continue; // that it is missing was noted when it could not be written
      }
    }
    return list;
  }

  async #publish(): Promise<void> {
    await this.#attempt('latest', async () => {
      const link = join(this.#out, 'latest');
      const next = join(this.#out, `.latest-${this.id}`);
      await symlink(this.id, next);
      try {
        await rename(next, link);
      } catch (error) {
        await rm(next, { force: true });
        throw error;
      }
    });
  }

  async #attempt(what: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.note({ what, status: 'failed', because: errorText(error) });
    }
  }
}
