import type { CreateSession, RunnerSession, SessionEnded } from '../api/index.js';
import { CamofleetError, type Clock, type SessionId } from '../core/index.js';
import type { RunnerConfig } from '../settings/index.js';
import type { EventHistory } from '../sse/index.js';
import { sessionEnded, sessionFailed, sessionStarted } from './events.js';
import { type Installed, type SessionPlan, planSession } from './plan.js';
import { prewarmNeeds } from './prewarm.js';
import { type EndReason, type Session, type SessionDeps, startSession } from './session.js';

interface Entry {
  readonly session: Session;
  plan: SessionPlan;
  lastSeenAt: number;
  viewers: number;
  prewarmed: boolean;
}

/** How many ended ids are remembered, for the difference between 410 and 404. */
const MAX_ENDED = 10_000;

/** Every session of this runner: made, seen, and ended here and nowhere else. */
export class Sessions implements AsyncDisposable {
  readonly #entries = new Map<SessionId, Entry>();
  readonly #ended = new Set<string>();
  readonly #stopping = new AbortController();
  #starting = 0;
  readonly #releasing = new Set<Promise<void>>();

  constructor(
    private readonly config: RunnerConfig,
    private readonly installed: Installed,
    private readonly deps: SessionDeps,
    private readonly history: EventHistory,
    private readonly clock: Clock,
  ) {}

  get count(): number {
    return this.#entries.size + this.#starting;
  }

  /** Starts a session, or hands out a prewarmed one that fits. */
  async create(request: CreateSession): Promise<RunnerSession> {
    const plan = planSession(request, this.config, this.installed);
    const ready = [...this.#entries.values()].find((entry) => entry.prewarmed && fits(entry.plan, plan));
    if (ready) {
      Object.assign(ready, { prewarmed: false, plan, lastSeenAt: this.clock.now() });
      return this.#describe(ready);
    }
    return this.#describe(await this.#start(plan, false));
  }

  list(): RunnerSession[] {
    return [...this.#entries.values()].filter((entry) => !entry.prewarmed).map((entry) => this.#describe(entry));
  }

  get(id: string): RunnerSession | undefined {
    const entry = this.#entries.get(id as SessionId);
    return entry && this.#describe(entry);
  }

  wasEnded(id: string): boolean {
    return this.#ended.has(id);
  }

  /** Viewing is use: `viewers` above zero keeps a session as a call does. */
  touch(id: string, viewers?: number): RunnerSession | undefined {
    const entry = this.#entries.get(id as SessionId);
    if (!entry) return undefined;
    entry.lastSeenAt = this.clock.now();
    entry.viewers = viewers ?? entry.viewers;
    return this.#describe(entry);
  }

  /** Ends a session: the reason is announced before its RFB server stops, so that gateways can name it. */
  async end(id: string, reason: EndReason, detail: string): Promise<boolean> {
    const entry = this.#entries.get(id as SessionId);
    if (!entry) return false;
    this.#entries.delete(id as SessionId);
    this.#remember(id);
    const fact: SessionEnded = { session: id, reason, detail, at: new Date(this.clock.now()).toISOString() };
    this.history.announce('session.ended', fact);
    sessionEnded.publish({ session: id, reason, detail, level: reason === 'crashed' ? 'warn' : 'info' });
    const releasing = Promise.resolve(entry.session[Symbol.asyncDispose]());
    this.#releasing.add(releasing);
    await releasing.finally(() => this.#releasing.delete(releasing));
    return true;
  }

  /** Ends what nobody has used for its TTL, and tops the prewarmed sessions up. */
  async tidy(): Promise<void> {
    const now = this.clock.now();
    const idle = [...this.#entries.values()].filter(
      ({ prewarmed, plan, lastSeenAt }) =>
        !prewarmed && plan.idleTtlSeconds > 0 && now - lastSeenAt > plan.idleTtlSeconds * 1000,
    );
    await Promise.all(
      idle.map((entry) => this.end(entry.session.id, 'expired', `idle for ${entry.plan.idleTtlSeconds} s`)),
    );
  }

  /** Starts the prewarmed sessions that are missing; a failure is told once and tried again at the next look. */
  async prewarm(): Promise<void> {
    const have = [...this.#entries.values()].filter((entry) => entry.prewarmed).map((entry) => entry.plan);
    for (const request of prewarmNeeds(this.config, have, this.config.maxSessions - this.count)) {
      if (this.#stopping.signal.aborted) return;
      await this.#start(planSession(request, this.config, this.installed), true).catch(() => undefined); // #start told it
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort(new CamofleetError('CF_SERVICE_EXITED', 'the runner is stopping'));
    await Promise.all([...this.#entries.keys()].map((id) => this.end(id, 'shutdown', 'the runner is stopping')));
    await Promise.all(this.#releasing);
  }

  async #start(plan: SessionPlan, prewarmed: boolean): Promise<Entry> {
    if (this.count >= this.config.maxSessions)
      throw new CamofleetError('CF_SLOTS_EXHAUSTED', `${this.count} of ${this.config.maxSessions} sessions are in use`);
    this.#starting += 1;
    const began = this.clock.monotonic();
    const early: { death?: string } = {};
    try {
      const died = (id: SessionId, what: string): void => {
        early.death ??= what;
        void this.end(id, 'crashed', what);
      };
      const session = await startSession(plan, this.deps, died, this.#stopping.signal);
      const entry: Entry = { session, plan, lastSeenAt: this.clock.now(), viewers: 0, prewarmed };
      this.#entries.set(session.id, entry);
      const { display, rfbPort: port } = session.slot;
      const tookMs = Math.round(this.clock.monotonic() - began);
      sessionStarted.publish({
        session: session.id,
        kind: plan.kind,
        browser: plan.browser,
        tookMs,
        port,
        ...(plan.kind === 'display' && { display }),
      });
      if (early.death !== undefined) await this.end(session.id, 'crashed', early.death);
      if (this.#stopping.signal.aborted) await this.end(session.id, 'shutdown', 'the runner is stopping');
      return entry;
    } catch (error) {
      const known = error instanceof CamofleetError;
      sessionFailed.publish({ browser: plan.browser, code: known ? error.code : 'BUG', message: String(error) });
      throw error;
    } finally {
      this.#starting -= 1;
    }
  }

  #describe(entry: Entry): RunnerSession {
    const session = entry.session.describe(entry.lastSeenAt);
    const { labels, idleTtlSeconds, startUrlWait } = entry.plan;
    return {
      ...session,
      labels,
      idle_ttl_seconds: idleTtlSeconds,
      start_url_wait: startUrlWait,
      viewers: entry.viewers,
    };
  }

  #remember(id: string): void {
    this.#ended.add(id);
    const [oldest] = this.#ended;
    if (this.#ended.size > MAX_ENDED && oldest !== undefined) this.#ended.delete(oldest);
  }
}

/** Whether a prewarmed session is what a request asks for. */
function fits(have: SessionPlan, want: SessionPlan): boolean {
  const same: readonly (keyof SessionPlan)[] = ['kind', 'browser', 'picture', 'headless', 'resolution', 'startUrl'];
  return same.every((key) => have[key] === want[key]);
}
