import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { appendFile, mkdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import { errorText, redactText } from '../../core/index.js';
import type { Artifact, Collected } from '../../report/index.js';

/** The folder of one run of verify. What cannot be written is noted and never stops the run. */
export interface Run {
  readonly id: string;
  readonly dir: string;
  readonly collected: readonly Collected[];
  /** Writes a file of the run; text is redacted. */
  write(name: string, kind: Artifact['kind'], content: string | Buffer): Promise<void>;
  /** Copies what a log has gained since `from` bytes, redacted, line by line; gives the lines that were kept. */
  collectLog(source: string, name: string, from: number): Promise<readonly string[]>;
  /** Takes a file that is in the folder already, such as a capture. */
  adopt(name: string, kind: Artifact['kind'], redactions: number): void;
  note(collected: Collected): void;
  artifacts(): Promise<readonly Artifact[]>;
  /** Points `latest` to this run. */
  publish(): Promise<void>;
}

/** Bytes of one log that are collected: the end of it when it is longer. */
const MAX_LOG_BYTES = 67_108_864;

/** Makes the folder `<out>/<time>-<id>/`, private to the user. */
export async function openRun(out: string, facts: { readonly nowMs: number; readonly suffix: string }): Promise<Run> {
  const id = `${new Date(facts.nowMs).toISOString().slice(0, 19).replaceAll(':', '-')}Z-${facts.suffix}`;
  const dir = join(out, id);
  const kept = new Map<string, { kind: Artifact['kind']; redactions: number }>();
  const collected: Collected[] = [];
  const note = (entry: Collected): void => void collected.push(entry);
  const attempt = async (what: string, work: () => Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      note({ what, status: 'failed', because: errorText(error) });
    }
  };
  await attempt('the run folder', () => mkdir(dir, { recursive: true, mode: 0o700 }).then(() => undefined));

  return {
    id,
    dir,
    collected,
    note,
    adopt: (name, kind, redactions) => void kept.set(name, { kind, redactions }),
    write: (name, kind, content) =>
      attempt(name, async () => {
        const redacted = typeof content === 'string' ? redactText(content) : { text: content, hidden: 0 };
        await writeFile(join(dir, name), redacted.text, { mode: 0o600 });
        kept.set(name, { kind, redactions: redacted.hidden });
      }),
    collectLog: async (source, name, from) => {
      const lines: string[] = [];
      await attempt(name, async () => {
        const size = (await stat(source)).size;
        const start = Math.max(size < from ? 0 : from, size - MAX_LOG_BYTES);
        let redactions = 0;
        await writeFile(join(dir, name), '', { mode: 0o600 });
        for await (const line of createInterface({ input: createReadStream(source, { start }), crlfDelay: Infinity })) {
          const { text, hidden } = redactText(line);
          redactions += hidden;
          lines.push(text);
        }
        await appendFile(join(dir, name), lines.map((line) => `${line}\n`).join(''));
        kept.set(name, { kind: 'log', redactions });
        note({ what: name, status: 'ok', because: `${lines.length} lines of ${basename(source)}` });
      });
      return lines;
    },
    artifacts: async () => {
      const list: Artifact[] = [];
      for (const [path, { kind, redactions }] of kept)
        await attempt(path, async () => {
          const bytes = await readFile(join(dir, path));
          list.push({
            path,
            kind,
            bytes: bytes.length,
            sha256: createHash('sha256').update(bytes).digest('hex'),
            redactions,
          });
        });
      return list;
    },
    publish: () =>
      attempt('latest', async () => {
        const link = join(out, 'latest');
        await rm(`${link}.new`, { force: true });
        await symlink(id, `${link}.new`);
        await rename(`${link}.new`, link);
      }),
  };
}
