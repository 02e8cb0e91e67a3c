import { setTimeout as pause } from 'node:timers/promises';
import { CamofleetError, type Clock, isErrorCode } from '../../core/index.js';
import type { GatewayConfig } from '../../settings/index.js';
import { Admission } from '../admission.js';
import { draining, workerEnded, workerStarted } from '../events.js';
import type { Front } from '../front.js';
import { type Gateway, serveInternal } from '../server.js';
import { Member } from './member.js';
import type { WorkerProcess } from './messages.js';

interface PrimaryDeps {
  readonly clock: Clock;
  readonly count: number;
  readonly spawn: (number: number) => WorkerProcess;
}

/** A worker that cannot start, or ends at once, is tried again after this. */
const AGAIN_MS = 1_000;
/** Beyond the grace of a drain a worker has this long to leave; then it is killed. */
const LEAVING_MS = 2_000;
/** On disposal, how long workers may take: who kills us next waits less than a second. */
const CUT_MS = 800;

/** Starts a gateway of several processes: workers serve viewers, this one counts, logs and keeps them running. */
export async function startWorkers(config: GatewayConfig, deps: PrimaryDeps): Promise<Gateway> {
  const admission = new Admission(config);
  return serveInternal(config, admission, async () => {
    const pool = new Pool(config, admission, deps);
    try {
      await pool.start();
    } catch (error) {
      await pool[Symbol.asyncDispose]();
      throw error;
    }
    return pool;
  });
}

/** The workers, as one front. */
class Pool implements Front {
  port = 0;
  readonly #members = new Set<Member>();
  readonly #gone = new Set<Promise<void>>();
  #leaving = false;
  #full = false;
  #drained: Promise<void> | undefined;

  constructor(
    private readonly config: GatewayConfig,
    private readonly admission: Admission,
    private readonly deps: PrimaryDeps,
  ) {}

  /** Resolves when every worker is ready; throws what the first that is not says. */
  async start(): Promise<void> {
    const numbers = Array.from({ length: this.deps.count }, (_, index) => index + 1);
    const words = await Promise.all(numbers.map((number) => this.#add(number).started));
    for (const word of words) {
      if (word?.type === 'failed' && isErrorCode(word.code)) throw new CamofleetError(word.code, word.message);
      if (word?.type !== 'ready')
        throw new CamofleetError('CF_SERVICE_EXITED', 'a worker of the gateway ended before it was ready');
      this.port = word.port;
    }
  }

  drain(): Promise<void> {
    return (this.#drained ??= this.#drainAll());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#leaving = true;
    this.admission.startDraining();
    for (const member of this.#members) member.tell({ type: 'stop' });
    await this.#empty(CUT_MS);
  }

  async #drainAll(): Promise<void> {
    const { shutdownGraceMs } = this.config;
    this.#leaving = true;
    this.admission.startDraining();
    draining.publish({ sessions: this.admission.taken, graceMs: shutdownGraceMs });
    for (const member of this.#members) member.tell({ type: 'drain' });
    await this.#empty(shutdownGraceMs + LEAVING_MS);
  }

  /** Waits until no worker is left; those that are left then are killed. */
  async #empty(ms: number): Promise<void> {
    const late = new AbortController();
    const all = Promise.all(this.#gone);
    await Promise.race([all, pause(ms, undefined, { signal: late.signal }).catch(() => undefined)]); // aborted: all are gone
    late.abort();
    for (const member of this.#members) member.process.kill();
    await all;
  }

  #add(number: number): Member {
    const { clock, spawn } = this.deps;
    const process = spawn(number);
    const began = clock.monotonic();
    const member = new Member({ number, process, admission: this.admission, clock, onPlaces: () => this.#tellFull() });
    this.#members.add(member);
    const gone = process.ended.then((how) => {
      this.#gone.delete(gone);
      this.#bury(member, how, clock.monotonic() - began);
    });
    this.#gone.add(gone);
    void member.started.then((word) => {
      if (word?.type !== 'ready') return;
      workerStarted.publish({ worker: number, pid: process.pid });
      if (this.#full) member.tell({ type: 'full', full: true });
    });
    return member;
  }

  /** A worker that ended unasked is replaced. */
  #bury(member: Member, how: string, livedMs: number): void {
    this.#members.delete(member);
    const { number, process } = member;
    const sessions = member.bury(how);
    if (this.#leaving) return;
    workerEnded.publish({ worker: number, pid: process.pid, how: member.problem ?? how, sessions });
    const again = setTimeout(
      () => {
        if (!this.#leaving) this.#add(number);
      },
      livedMs < AGAIN_MS ? AGAIN_MS : 0,
    );
    again.unref();
  }

  /** Whether all places are taken is known to each worker, so that it need not ask before it looks at a token. */
  #tellFull(): void {
    const full = this.admission.peek() === 'at_capacity';
    if (full === this.#full) return;
    this.#full = full;
    for (const member of this.#members) member.tell({ type: 'full', full });
  }
}
