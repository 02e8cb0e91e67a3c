import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { RunnerSession, SessionEnded } from '../api/index.js';
import { CamofleetError, type Clock, type SessionId, randomId } from '../core/index.js';
import { CARD_HEIGHT, CARD_WIDTH } from '../testcard/index.js';
import { startBrowser } from './browser.js';
import { startCardServer } from './card-server.js';
import { type DisplayDeps, makeFolder, startDisplay } from './display.js';
import type { SessionPlan } from './plan.js';
import type { SlotLease, SlotPool } from './slots.js';

export interface SessionDeps {
  readonly clock: Clock;
  readonly slots: SlotPool;
  readonly worker: string;
  readonly host: string;
  readonly stateDir: string;
  readonly timeoutMs: number;
  readonly isRoot: boolean;
  /** Undefined where Xvfb or x11vnc is missing. */
  readonly display: DisplayDeps | undefined;
}

export type EndReason = SessionEnded['reason'];

/** A session that is ready. Dispose releases everything it owns, in reverse. */
export interface Session extends AsyncDisposable {
  readonly id: SessionId;
  readonly plan: SessionPlan;
  readonly slot: SlotLease;
  readonly createdAt: number;
  describe(lastSeenAt: number): RunnerSession;
}

/** Characters of an RFB password: eight count, and these need no escape anywhere. */
const PASSWORD_CHARACTERS = 'ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789-_.!*+~=';
const PASSWORD_LENGTH = 8;

/** Starts a session from nothing to ServerInit; on failure or abort nothing of it is left. `onDeath` tells of a crash. */
export async function startSession(
  plan: SessionPlan,
  deps: SessionDeps,
  onDeath: (id: SessionId, what: string) => void,
  signal: AbortSignal,
): Promise<Session> {
  await using scope = new AsyncDisposableStack();
  const id = randomId() as SessionId;
  const slot = await deps.slots.acquire(plan.kind === 'display');
  scope.defer(() => slot.release());
  const password = randomPassword();
  const screen = plan.kind === 'testcard' ? startCard(scope) : startScreen(scope);
  await screen;

  const owner = scope.move();
  const createdAt = deps.clock.now();
  return {
    id,
    plan,
    slot,
    createdAt,
    describe: (lastSeenAt) => describe({ id, plan, slot, createdAt, lastSeenAt, password, deps }),
    [Symbol.asyncDispose]: () => owner.disposeAsync(),
  };

  async function startCard(stack: AsyncDisposableStack): Promise<void> {
    const motion = plan.browser === 'testcard-still' ? 'still' : 'moving';
    stack.use(
      await startCardServer({ session: id, host: deps.host, port: slot.rfbPort, password, motion, clock: deps.clock }),
    );
  }

  async function startScreen(stack: AsyncDisposableStack): Promise<void> {
    if (!deps.display) throw new CamofleetError('CF_COMPONENT_MISSING', 'Xvfb or x11vnc is not installed here');
    const folder = join(deps.stateDir, id);
    await makeFolder(folder);
    stack.defer(() => rm(folder, { recursive: true, force: true }));
    const died = (what: string): void => onDeath(id, what);
    const shared = { session: id, folder, onDeath: died };
    const rfb = plan.picture ? { host: deps.host, password } : undefined;
    const display = stack.use(
      await startDisplay(
        { ...shared, slot, resolution: plan.resolution, rfb, timeoutMs: deps.timeoutMs },
        deps.display,
        signal,
      ),
    );
    if (plan.command) {
      const browser = {
        ...shared,
        name: plan.browser,
        command: plan.command,
        startUrl: plan.startUrl,
        isRoot: deps.isRoot,
      };
      stack.use(await startBrowser(browser, display, deps.display));
    }
  }
}

interface Description {
  readonly id: SessionId;
  readonly plan: SessionPlan;
  readonly slot: SlotLease;
  readonly createdAt: number;
  readonly lastSeenAt: number;
  readonly password: string;
  readonly deps: SessionDeps;
}

function describe({ id, plan, slot, createdAt, lastSeenAt, password, deps }: Description): RunnerSession {
  const [width, height] = plan.kind === 'testcard' ? [CARD_WIDTH, CARD_HEIGHT] : plan.resolution.split('x').map(Number);
  return {
    worker: deps.worker,
    id,
    status: 'ready',
    created_at: new Date(createdAt).toISOString(),
    last_seen_at: new Date(lastSeenAt).toISOString(),
    browser: plan.browser,
    headless: plan.headless,
    idle_ttl_seconds: plan.idleTtlSeconds,
    labels: plan.labels,
    ws_endpoint: null,
    vnc_enabled: plan.picture,
    start_url_wait: plan.startUrlWait,
    kind: plan.kind,
    target: plan.picture ? { host: deps.host, port: slot.rfbPort, password } : null,
    screen: plan.picture ? { width: width!, height: height! } : null,
  };
}

/** Uniform: bytes beyond the last whole multiple of the alphabet are thrown away. */
function randomPassword(): string {
  const size = PASSWORD_CHARACTERS.length;
  const usable = [...randomBytes(64)].filter((byte) => byte < 256 - (256 % size));
  const password = usable.slice(0, PASSWORD_LENGTH).map((byte) => PASSWORD_CHARACTERS[byte % size]);
  return password.length === PASSWORD_LENGTH ? password.join('') : randomPassword();
}
