import { randomBytes } from 'node:crypto';
import type { RunnerSession, SessionEnded } from '../api/index.js';
import { CamofleetError, type Clock, type SessionId, randomId } from '../core/index.js';
import { CARD_HEIGHT, CARD_WIDTH } from '../testcard/index.js';
import { type BrowserDeps, startBrowser } from './browser.js';
import { startCardServer } from './card-server.js';
import { startDisplay } from './display.js';
import { legacyUrls } from './legacy-urls.js';
import { problemsOf } from './look.js';
import type { Owner, Startup } from './owned-process.js';
import type { SessionPlan } from './plan.js';
import type { Slot, SlotPool } from './slots.js';

export interface SessionDeps {
  readonly clock: Clock;
  readonly slots: SlotPool;
  readonly worker: string;
  /** Where RFB servers listen. */
  readonly host: string;
  /** Where tokens lead to: the same, unless RFB is published elsewhere. */
  readonly targetHost: string;
  readonly timeoutMs: number;
  /** Bases of the URLs that are handed out without a control plane. */
  readonly bases: { readonly ws: string; readonly http: string };
  /** Undefined where Xvfb or x11vnc is missing. */
  readonly display: BrowserDeps | undefined;
}

export type EndReason = SessionEnded['reason'];

/** What is known of a session while it lives and its plan may change hands. */
export interface Use {
  readonly plan: SessionPlan;
  readonly lastSeenAt: number;
  readonly viewers: number;
}

/** A session that is ready. Dispose releases everything it owns, in reverse. */
export interface Session extends AsyncDisposable {
  readonly id: SessionId;
  readonly slot: Slot;
  describe(use: Use): RunnerSession;
  /** What is wrong with it now, in words. */
  look(signal: AbortSignal): Promise<readonly string[]>;
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
  const id = randomId() as SessionId;
  const owner: Owner = { session: id, ending: false, onDeath: (what) => onDeath(id, what), parts: [] };
  await using scope = new AsyncDisposableStack();
  const slot = await deps.slots.acquire(plan.kind === 'display');
  scope.defer(() => slot.release());
  const password = randomPassword();
  const made: Made = { id, plan, slot, password, owner, startup: startupOf(deps, signal) };
  const { wsEndpoint, showsWindow } =
    plan.kind === 'testcard' ? await startCard(scope, made, deps) : await startScreen(scope, made, deps);
  signal.throwIfAborted();
  scope.defer(() => void (owner.ending = true));
  const release = scope.move();
  const createdAt = deps.clock.now();
  const rfb = plan.picture ? { host: deps.host, port: slot.rfbPort } : undefined;
  return {
    id,
    slot,
    describe: (use) => describe({ ...made, ...use, createdAt, wsEndpoint }, deps),
    look: (signal) => problemsOf({ parts: owner.parts, rfb, showsWindow }, signal),
    [Symbol.asyncDispose]: () => release.disposeAsync(),
  };
}

interface Made {
  readonly id: SessionId;
  readonly plan: SessionPlan;
  readonly slot: Slot;
  readonly password: string;
  readonly owner: Owner;
  readonly startup: Startup;
}

function startupOf({ clock, timeoutMs }: SessionDeps, signal: AbortSignal): Startup {
  const until = clock.monotonic() + timeoutMs;
  return { signal, leftMs: () => Math.max(1, Math.ceil(until - clock.monotonic())) };
}

/** What runs in a session. */
interface Content {
  /** Where a Playwright client connects. */
  readonly wsEndpoint: string | null;
  /** Undefined where no window has to be seen. */
  readonly showsWindow: ((signal: AbortSignal) => Promise<boolean>) | undefined;
}

async function startCard(scope: AsyncDisposableStack, made: Made, { host, clock }: SessionDeps): Promise<Content> {
  const motion = made.plan.browser === 'testcard-still' ? 'still' : 'moving';
  const port = made.slot.rfbPort;
  scope.use(await startCardServer({ session: made.id, host, port, password: made.password, motion, clock }));
  return { wsEndpoint: null, showsWindow: undefined };
}

async function startScreen(
  scope: AsyncDisposableStack,
  made: Made,
  { display: deps, host }: SessionDeps,
): Promise<Content> {
  if (!deps) throw new CamofleetError('CF_COMPONENT_MISSING', 'Xvfb or x11vnc is not installed here');
  const { id, plan, slot, password, owner, startup } = made;
  const folder = scope.use(await deps.state.session(id));
  const rfb = plan.picture ? { host, password } : undefined;
  const display = await startDisplay(scope, { owner, slot, folder, resolution: plan.resolution, rfb }, deps, startup);
  if (!plan.program) return { wsEndpoint: null, showsWindow: undefined };
  const { wsEndpoint } = await startBrowser(scope, { owner, plan, folder }, display, deps, startup);
  // A Playwright server may have no browser until a client asks for one.
  return { wsEndpoint, showsWindow: plan.program.playwright ? undefined : (signal) => display.showsWindow(signal) };
}

interface Description extends Made, Use {
  readonly plan: SessionPlan;
  readonly createdAt: number;
  readonly wsEndpoint: string | null;
}

function describe(session: Description, { worker, targetHost, bases, display }: SessionDeps): RunnerSession {
  const { plan, slot } = session;
  const [width, height] = plan.kind === 'testcard' ? [CARD_WIDTH, CARD_HEIGHT] : plan.resolution.split('x').map(Number);
  return {
    worker,
    id: session.id,
    status: 'ready',
    created_at: new Date(session.createdAt).toISOString(),
    last_seen_at: new Date(session.lastSeenAt).toISOString(),
    browser: plan.browser,
    headless: plan.headless,
    idle_ttl_seconds: plan.idleTtlSeconds,
    labels: plan.labels,
    ws_endpoint: session.wsEndpoint,
    vnc_enabled: plan.picture,
    start_url_wait: plan.startUrlWait,
    sandbox: (plan.program && display?.sandboxes.get(plan.browser)?.state) ?? null,
    kind: plan.kind,
    target: plan.picture ? { host: targetHost, port: slot.rfbPort, password: session.password } : null,
    screen: plan.picture ? { width: width!, height: height! } : null,
    viewers: session.viewers,
    vnc: plan.picture ? legacyUrls(bases, slot.legacyId) : null,
  };
}

/** Uniform: bytes beyond the last whole multiple of the alphabet are thrown away. */
function randomPassword(): string {
  const size = PASSWORD_CHARACTERS.length;
  const usable = [...randomBytes(64)].filter((byte) => byte < 256 - (256 % size));
  const password = usable.slice(0, PASSWORD_LENGTH).map((byte) => PASSWORD_CHARACTERS[byte % size]);
  return password.length === PASSWORD_LENGTH ? password.join('') : randomPassword();
}
