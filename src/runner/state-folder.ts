import { mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { CamofleetError, type SessionId } from '../core/index.js';
import { type ProcessIdentity, identify, isSame, stopGroup } from '../processes/index.js';
import { leftoverSwept } from './events.js';
import { type XDisplays, hostDisplays } from './x-locks.js';

const identity = { pid: z.int(), startedAt: z.string() };
const recordSchema = z.object({
  runner: z.object(identity),
  children: z.array(z.object({ name: z.string(), ...identity, display: z.int().optional() })),
});
type Kept = z.output<typeof recordSchema>;

/** A leftover gets this long between SIGTERM and SIGKILL. */
const SWEEP_GRACE_MS = 500;
/** Browsers put sockets of up to 46 characters below their folder for temporary files; a socket's path has 107. */
const LONGEST_TEMPORARY = 60;
const SHORT_ROOT = '/tmp';

/** Ends and removes what a runner that is gone left behind. Throws when it lives. */
export async function sweepState(path: string): Promise<void> {
  await StateFolder.claim(path, hostDisplays());
}

/** Two folders of one session, private to us. */
export interface SessionFolder extends AsyncDisposable {
  /** Cookie, password file, logs and profile. */
  readonly path: string;
  /** For temporary files of its programs: short enough for sockets in it. */
  readonly temporary: string;
}

/**
 * The folder of one runner: what its sessions keep on disk, and which processes it has started, so that a runner after
 * a crash can end those and remove the rest.
 */
export class StateFolder {
  readonly #path: string;
  readonly #self: ProcessIdentity;
  #children: Kept['children'] = [];
  #writing: Promise<void> = Promise.resolve();

  private constructor(path: string, self: ProcessIdentity) {
    this.#path = path;
    this.#self = self;
  }

  /** Takes a folder, after ending and removing what an earlier runner left there. Throws when its runner lives. */
  static async claim(path: string, displays: XDisplays): Promise<StateFolder> {
    const self = identify(process.pid) ?? { pid: process.pid, startedAt: '' };
    const folder = new StateFolder(path, self);
    await mkdir(folder.#sessions, { recursive: true, mode: 0o700 });
    const record = parse(await readFile(folder.#file, 'utf8').catch(() => '')); // no file: nothing was left
    if (record && record.runner.pid !== self.pid && isSame(record.runner))
      throw new CamofleetError(
        'CF_FLEET_RUNNING',
        `another runner, process ${record.runner.pid}, uses the state folder ${path}; each has CAMOFLEET_RUNNER_STATE_DIR of its own`,
      );
    await folder.#sweep(record?.children ?? [], displays);
    await folder.#write();
    return folder;
  }

  /** Makes the folders of a session. */
  async session(id: SessionId): Promise<SessionFolder> {
    const path = join(this.#sessions, id);
    const inside = join(path, 'tmp');
    const temporary = inside.length <= LONGEST_TEMPORARY ? inside : shortFolder(id);
    await mkdir(path, { mode: 0o700 });
    await mkdir(temporary, { mode: 0o700 });
    return {
      path,
      temporary,
      [Symbol.asyncDispose]: async () => {
        await rm(temporary, REMOVE);
        await rm(path, REMOVE);
      },
    };
  }

  /** Notes a process, until `forget`. */
  async note(name: string, child: ProcessIdentity, display?: number): Promise<void> {
    this.#children = [...this.#children, { name, ...child, ...(display !== undefined && { display }) }];
    await this.#write();
  }

  async forget({ pid, startedAt }: ProcessIdentity): Promise<void> {
    this.#children = this.#children.filter((child) => child.pid !== pid || child.startedAt !== startedAt);
    await this.#write();
  }

  get #file(): string {
    return join(this.#path, 'children.json');
  }

  get #sessions(): string {
    return join(this.#path, 'sessions');
  }

  async #sweep(children: Kept['children'], displays: XDisplays): Promise<void> {
    for (const child of children) {
      if (isSame(child)) {
        await stopGroup(child.pid, SWEEP_GRACE_MS);
        leftoverSwept.publish({ pid: child.pid, name: child.name });
      }
      if (child.display !== undefined) await displays.holder(child.display); // removes the lock of a dead server
    }
    for (const id of await readdir(this.#sessions)) {
      await rm(join(this.#sessions, id), REMOVE);
      await rm(shortFolder(id), REMOVE);
    }
  }

  /** Atomically, one after the other; one that fails does not stop the next. */
  #write(): Promise<void> {
    const write = async (): Promise<void> => {
      const record: Kept = { runner: this.#self, children: this.#children };
      await writeFile(`${this.#file}.new`, JSON.stringify(record), { mode: 0o600 });
      await rename(`${this.#file}.new`, this.#file);
    };
    this.#writing = this.#writing.then(write, write);
    return this.#writing;
  }
}

/** A program that is ending may still write below: removed again a few times. */
const REMOVE = { recursive: true, force: true, maxRetries: 5, retryDelay: 50 } as const;

function shortFolder(id: string): string {
  return join(SHORT_ROOT, `camofleet-${id}`);
}

function parse(text: string): Kept | undefined {
  try {
    return recordSchema.parse(JSON.parse(text));
  } catch {
    return undefined; // cut short by a crash while it was new: the kernel ended those children with their runner
  }
}
