import type { ViewerReport } from '../api/index.js';
import type { TokenClaims } from '../tokens/index.js';

type Viewer = ViewerReport['viewers'][number];

/** How often control hears of all viewers, so that it forgets those of a gateway that is gone. */
const WHOLE_MS = 10_000;
/** Changes of so short a time travel together; the first of them at once. */
const TOGETHER_MS = 100;

interface ReportOptions {
  /** All viewers, or those of these tokens; an entry a token. */
  readonly viewers: (only?: { has(jti: string): boolean }) => readonly Viewer[];
  readonly send: (report: ViewerReport) => Promise<void>;
  readonly now: () => number;
}

/** Tells control who watches: what changes promptly, everything every 10 s. One report at a time, so that none is overtaken. */
export class ViewerReports {
  readonly #changed = new Map<string, string>();
  readonly #whole: NodeJS.Timeout;
  #isWholeDue = false;
  #sending: Promise<void> | undefined;
  #stopped = false;

  constructor(private readonly options: ReportOptions) {
    this.#whole = setInterval(() => this.all(), WHOLE_MS).unref();
  }

  /** A socket of this token has opened or ended. */
  changed({ jti, sid }: TokenClaims): void {
    this.#changed.set(jti, sid);
    this.#go();
  }

  /** Everything is to be told anew. */
  all(): void {
    this.#isWholeDue = true;
    this.#go();
  }

  /** Tells what is left to be told, and nothing behind that. */
  async stop(): Promise<void> {
    clearInterval(this.#whole);
    this.#stopped = true;
    await this.#sending;
  }

  #go(): void {
    this.#sending ??= this.#sendAll().finally(() => {
      this.#sending = undefined;
    });
  }

  async #sendAll(): Promise<void> {
    await Promise.resolve(); // what happens in the same turn travels together
    while (this.#isWholeDue || this.#changed.size > 0) {
      await this.options.send(this.#next());
      if (!this.#stopped) await new Promise((resolve) => setTimeout(resolve, TOGETHER_MS).unref());
    }
  }

  #next(): ViewerReport {
    const changed = new Map(this.#changed);
    this.#changed.clear();
    if (this.#isWholeDue) {
      this.#isWholeDue = false;
      return { viewers: [...this.options.viewers()] };
    }
    const open = new Map(this.options.viewers(changed).map((viewer) => [viewer.jti, viewer]));
    const lastActivityAt = new Date(this.options.now()).toISOString();
    const left = (jti: string, session: string): Viewer => ({ session, jti, viewers: 0, lastActivityAt });
    return { changes: true, viewers: [...changed].map(([jti, session]) => open.get(jti) ?? left(jti, session)) };
  }
}
