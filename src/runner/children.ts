import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { type ProcessIdentity, isSame, stopGroup } from '../processes/index.js';
import { leftoverSwept } from './events.js';
import type { XDisplays } from './x-locks.js';

const fileSchema = z.array(
  z.object({ name: z.string(), pid: z.int(), startedAt: z.string(), display: z.int().optional() }),
);
type Child = z.output<typeof fileSchema>[number];

/** A leftover gets this long between SIGTERM and SIGKILL. */
const SWEEP_GRACE_MS = 500;

/** The processes that a runner has started, on disk, so that a runner after a crash can end them by pid and start time. */
export class ChildrenFile {
  readonly #file: string;
  #children: readonly Child[] = [];
  #writing: Promise<void> = Promise.resolve();

  constructor(stateDir: string) {
    this.#file = join(stateDir, 'children.json');
  }

  /** Ends what an earlier runner of this folder left running, and forgets it. */
  async sweep(displays: XDisplays): Promise<void> {
    const text = await readFile(this.#file, 'utf8').catch(() => '[]'); // no file: nothing was left
    for (const child of parse(text)) {
      if (isSame(child)) {
        await stopGroup(child.pid, SWEEP_GRACE_MS);
        leftoverSwept.publish({ pid: child.pid, name: child.name });
      }
      if (child.display !== undefined) await displays.holder(child.display); // removes the lock of a dead server
    }
    await this.#write();
  }

  async add(name: string, identity: ProcessIdentity, display?: number): Promise<void> {
    this.#children = [...this.#children, { name, ...identity, ...(display !== undefined && { display }) }];
    await this.#write();
  }

  async remove(identity: ProcessIdentity): Promise<void> {
    this.#children = this.#children.filter(
      (child) => child.pid !== identity.pid || child.startedAt !== identity.startedAt,
    );
    await this.#write();
  }

  /** Atomically, one after the other. */
  #write(): Promise<void> {
    this.#writing = this.#writing.then(async () => {
      await writeFile(`${this.#file}.new`, JSON.stringify(this.#children), { mode: 0o600 });
      await rename(`${this.#file}.new`, this.#file);
    });
    return this.#writing;
  }
}

function parse(text: string): readonly Child[] {
  try {
    return fileSchema.parse(JSON.parse(text));
  } catch {
    return []; // cut short by a crash while it was new: the kernel ended those children with their runner
  }
}
