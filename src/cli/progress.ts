/** A list of things that are waited for. What it shows goes to stderr: stdout is for data. */
export interface Progress {
  /** What it waits for now, in words. */
  waiting(name: string, words: string): void;
  done(name: string, words: string): void;
  failed(name: string, words: string): void;
  /** Ends the list; what is neither done nor failed by then was not reached. */
  close(): Promise<void>;
}

export interface Screen {
  readonly stream: NodeJS.WriteStream;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Milliseconds that never jump. */
  readonly monotonic: () => number;
}

/** A live list on a terminal; elsewhere a plain line for each thing that is done, and for what takes long. */
export async function startProgress(names: readonly string[], screen: Screen): Promise<Progress> {
  if (!isLive(screen)) return plainProgress(screen);
  const { liveProgress } = await import('./live-progress.js');
  return liveProgress(names, screen.stream);
}

/** Columns of a line: what it is about, its state, and words. */
export function progressLine(name: string, state: string, words: string): string {
  return `${name.padEnd(8)} ${state.padEnd(8)} ${words}`.trimEnd();
}

function isLive({ stream, env }: Screen): boolean {
  return stream.isTTY && env['TERM'] !== 'dumb' && !env['CI'];
}

/** Waiting is told so often. */
const WAITING_EVERY_MS = 5_000;

function plainProgress({ stream, monotonic }: Screen): Progress {
  const toldAt = new Map<string, number>();
  const tell = (name: string, state: string, words: string): void =>
    void stream.write(`  ${progressLine(name, state, words)}\n`);
  return {
    waiting: (name, words) => {
      const now = monotonic();
      const last = toldAt.get(name);
      if (last === undefined) toldAt.set(name, now);
      else if (now - last >= WAITING_EVERY_MS) {
        toldAt.set(name, now);
        tell(name, 'waiting', words);
      }
    },
    done: (name, words) => tell(name, 'ready', words),
    failed: (name, words) => tell(name, 'failed', words),
    close: async () => {},
  };
}
