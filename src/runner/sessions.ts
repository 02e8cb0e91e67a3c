import type { CreateSession, RunnerSession, SessionEnded } from '../api/index.js';
import { CamofleetError, type Clock, type SessionId, errorText } from '../core/index.js';
import type { RunnerConfig } from '../settings/index.js';
import type { EventHistory } from '../sse/index.js';
import { EndedIds } from './ended-ids.js';
import { sessionEnded, sessionFailed, sessionStarted } from './events.js';
import { idleBecause } from './idle.js';
import { type Installed, type SessionPlan, planSession } from './plan.js';
import { fits, missingPlans } from './prewarm.js';
import { release } from './release.js';
import { connectionsByPort } from './rfb-connections.js';
import { type EndReason, type Session, type SessionDeps, startSession } from './session.js';

interface Entry {
  readonly session: Session;
  plan: SessionPlan;
  lastSeenAt: number;
  viewers: number;
  prewarmed: boolean;
}

/** How many sessions are being made, by why. */
interface Starting {
  asked: number;
  prewarmed: number;
}

/** Something that is wrong, and the session that it is wrong with. */
interface Trouble {
  readonly session: SessionId | null;
  readonly what: string;
}

/** A start that failed is held against the runner for so long: it may be asked for no other. */
const PROBLEM_MS = 60_000;

/** Every session of this runner: made, seen, and ended here and nowhere else. */
export class Sessions implements AsyncDisposable {
  readonly #entries = new Map<SessionId, Entry>();
  readonly #ended = new EndedIds();
  readonly #stopping = new AbortController();
  /** Starts and releases that are under way. */
  readonly #underWay = new Set<Promise<unknown>>();
  readonly #starting: Starting = { asked: 0, prewarmed: 0 };
  #prewarming: Promise<void> | undefined;
  #problem: { readonly message: string; readonly at: number } | undefined;

  constructor(
    private readonly config: RunnerConfig,
    private readonly installed: Installed,
    private readonly deps: SessionDeps,
    private readonly history: EventHistory,
    private readonly clock: Clock,
  ) {}

  /** All that exist or start, prewarmed ones included. */
  get count(): number {
    return this.#entries.size + this.#starting.asked + this.#starting.prewarmed;
  }

  /** Those that somebody has asked for. */
  get inUse(): number {
    return this.count - this.#prewarmed().length - this.#starting.prewarmed;
  }

  /** Why the last start failed, until one succeeds. */
  get problem(): string | undefined {
    return this.#problem?.message;
  }

  /** What is wrong here now, in words: with sessions, prewarmed ones too, and with starts until one succeeds or a while has passed. */
  async look(signal: AbortSignal): Promise<readonly Trouble[]> {
    const looks = [...this.#entries.values()].map(async ({ session }) => {
      const problems = await session.look(signal);
      return this.#entries.has(session.id) ? problems.map((what) => ({ session: session.id, what })) : [];
    });
    const troubles = (await Promise.all(looks)).flat();
    const { message, at } = this.#problem ?? { message: '', at: -Infinity };
    const isRecent = this.clock.monotonic() - at < PROBLEM_MS;
    return isRecent ? [...troubles, { session: null, what: message.split('\n')[0]! }] : troubles;
  }

  /** Starts a session, or hands out a prewarmed one that fits. */
  async create(request: CreateSession): Promise<RunnerSession> {
    this.#stopping.signal.throwIfAborted();
    const plan = planSession(request, this.config, this.installed);
    const ready = this.#prewarmed().find((entry) => fits(entry.plan, plan));
    if (ready) {
      Object.assign(ready, { prewarmed: false, plan, lastSeenAt: this.clock.now() });
      void this.prewarm();
      return describe(ready);
    }
    return describe(await this.#place('asked', () => this.#makeRoom().then(() => this.#start(plan, 'asked'))));
  }

  list(): RunnerSession[] {
    return [...this.#entries.values()].filter((entry) => !entry.prewarmed).map(describe);
  }

  get(id: string): RunnerSession | undefined {
    const entry = this.#find(id);
    return entry && describe(entry);
  }

  wasEnded(id: string): boolean {
    return this.#ended.has(id);
  }

  /** A call is use; `viewers` is what control has heard of its gateways. */
  touch(id: string, viewers?: number): RunnerSession | undefined {
    const entry = this.#find(id);
    if (!entry) return undefined;
    entry.lastSeenAt = this.clock.now();
    entry.viewers = viewers ?? entry.viewers;
    return describe(entry);
  }

  /** Ends a session: the reason is announced before its RFB server stops, so that gateways can name it. */
  async end(id: string, reason: EndReason, detail: string): Promise<boolean> {
    const entry = this.#entries.get(id as SessionId);
    if (!entry) return false;
    this.#entries.delete(id as SessionId);
    this.#ended.add(id);
    const fact: SessionEnded = { session: id, reason, detail, at: new Date(this.clock.now()).toISOString() };
    this.history.announce('session.ended', fact);
    sessionEnded.publish({ session: id, reason, detail, level: reason === 'crashed' ? 'warn' : 'info' });
    await this.#track(release(entry.session));
    return true;
  }

  /** Ends what nobody has used for its TTL. */
  async tidy(): Promise<void> {
    if (this.#entries.size === 0) return;
    const open = await connectionsByPort();
    const now = this.clock.now();
    const ends = [...this.#entries.values()].map(async (entry) => {
      const connections = open.get(entry.session.slot.rfbPort) ?? 0;
      const because = entry.prewarmed ? undefined : idleBecause({ ...entry, connections }, now);
      if (because !== undefined) await this.end(entry.session.id, 'expired', because);
    });
    await Promise.all(ends);
  }

  /** Starts the prewarmed sessions that are missing. */
  prewarm(): Promise<void> {
    this.#prewarming ??= this.#topUp().finally(() => (this.#prewarming = undefined));
    return this.#prewarming;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort(new CamofleetError('CF_STOPPING', 'the runner is stopping'));
    while (this.#entries.size > 0 || this.#underWay.size > 0) {
      for (const id of this.#entries.keys()) void this.end(id, 'shutdown', 'the runner is stopping');
      await Promise.allSettled(this.#underWay);
    }
  }

  #find(id: string): Entry | undefined {
    const entry = this.#entries.get(id as SessionId);
    return entry?.prewarmed ? undefined : entry;
  }

  #prewarmed(): Entry[] {
    return [...this.#entries.values()].filter((entry) => entry.prewarmed);
  }

  /** Holds a place among all sessions while one is being made. */
  #place<T>(why: keyof Starting, make: () => Promise<T>): Promise<T> {
    this.#starting[why] += 1;
    return this.#track(make().finally(() => (this.#starting[why] -= 1)));
  }

  /** A prewarmed session gives way to one that is asked for. */
  async #makeRoom(): Promise<void> {
    const { maxSessions } = this.config;
    while (this.count > maxSessions) {
      const [spare] = this.#prewarmed();
      if (!spare)
        throw new CamofleetError('CF_SLOTS_EXHAUSTED', `${this.count - 1} of ${maxSessions} sessions are in use`);
      await this.end(spare.session.id, 'released', 'a prewarmed session gives way');
    }
  }

  async #topUp(): Promise<void> {
    for (const plan of this.#missing()) {
      if (this.#stopping.signal.aborted || this.count >= this.config.maxSessions) return;
      try {
        await this.#place('prewarmed', () => this.#start(plan, 'prewarmed'));
      } catch {
        return; // #start has told it; the next look tries again
      }
    }
  }

  #missing(): readonly SessionPlan[] {
    const { prewarmVnc, prewarmHeadless, maxSessions } = this.config;
    const plans = (times: number, headless: boolean): SessionPlan[] =>
      times === 0 ? [] : Array<SessionPlan>(times).fill(planSession({ headless }, this.config, this.installed));
    try {
      const wanted = [...plans(prewarmVnc, false), ...plans(prewarmHeadless, true)];
      const have = this.#prewarmed().map(({ plan }) => plan);
      return missingPlans(wanted, have, maxSessions - this.count);
    } catch (error) {
      this.#fail('prewarmed', 'prewarmed session', error);
      return [];
    }
  }

  async #start(plan: SessionPlan, why: keyof Starting): Promise<Entry> {
    try {
      const entry = await this.#begin(plan, why === 'prewarmed');
      this.#problem = undefined;
      return entry;
    } catch (error) {
      this.#fail(why, plan.browser, error);
      throw error;
    }
  }

  async #begin(plan: SessionPlan, prewarmed: boolean): Promise<Entry> {
    const began = this.clock.monotonic();
    const early: { death?: string } = {};
    const died = (id: SessionId, what: string): void => {
      early.death ??= what;
      void this.end(id, 'crashed', what);
    };
    const session = await startSession(plan, this.deps, died, this.#stopping.signal);
    if (early.death !== undefined) {
      await release(session);
      throw new CamofleetError('CF_SERVICE_EXITED', early.death);
    }
    const entry: Entry = { session, plan, lastSeenAt: this.clock.now(), viewers: 0, prewarmed };
    this.#entries.set(session.id, entry);
    const { display, rfbPort: port } = session.slot;
    sessionStarted.publish({
      session: session.id,
      kind: plan.kind,
      browser: plan.browser,
      tookMs: Math.round(this.clock.monotonic() - began),
      ...(plan.picture && { port }),
      ...(plan.kind === 'display' && { display }),
    });
    return entry;
  }

  /** Prewarming tries again and again: its failures are told when they are new. */
  #fail(why: keyof Starting, browser: string, error: unknown): void {
    const message = error instanceof CamofleetError ? error.message : errorText(error);
    const isNew = message !== this.problem;
    if (this.#stopping.signal.aborted || (why === 'prewarmed' && !isNew)) return;
    this.#problem = { message, at: this.clock.monotonic() };
    sessionFailed.publish({ browser, code: error instanceof CamofleetError ? error.code : 'BUG', message });
  }

  async #track<T>(work: Promise<T>): Promise<T> {
    this.#underWay.add(work);
    try {
      return await work;
    } finally {
      this.#underWay.delete(work);
    }
  }
}

function describe({ session, ...use }: Entry): RunnerSession {
  return session.describe(use);
}
