import { type Clock, errorText } from '../../core/index.js';
import { ServerHandshake } from '../../rfb/index.js';
import {
  MAX_SERVER_HEADER,
  OPCODE,
  type ViewerEvent,
  ViewerFrames,
  encodeServerFrame,
  writeServerHeader,
} from '../../websocket/index.js';
import type { Handshake, Relay, RelayEnd, RelayOptions } from '../data-path.js';
import type { EndCause } from '../ends.js';
import type { Sink } from '../inlet.js';
import { Session } from '../session.js';
import type { Upstream } from '../upstream.js';
import { ViewOnlyFilter } from '../view-only.js';
import type { Acknowledgements } from './acknowledgements.js';
import { endOnce, sayFarewell } from './farewell.js';
import { switching } from './handshake.js';
import { Outlet } from './outlet.js';
import type { Ticker } from './ticker.js';
import { Turn } from './turn.js';
import type { ViewerSocket } from './viewer-socket.js';
import type { Workspace } from './workspace.js';

export interface RelayParts {
  readonly viewer: ViewerSocket;
  readonly handshake: Handshake;
  readonly upstream: Upstream;
  readonly workspace: Workspace;
  readonly ticker: Ticker;
  readonly acknowledgements: Acknowledgements;
  readonly clock: Clock;
}

/**
 * One viewer and one runner. Bounds: each way one read (512 KiB) may wait outside the kernel, then its source is not
 * read until it has left; control frames are answered only while nothing waits.
 */
export class SocketRelay implements Relay {
  readonly ended: Promise<RelayEnd>;
  readonly #session: Session;
  readonly #frames = new ViewerFrames();
  readonly #down: Outlet;
  readonly #up: Outlet;
  readonly #viewerTurn = new Turn(() => this.#readViewer());
  readonly #runnerTurn = new Turn(() => this.#readRunner());
  readonly #filter: ViewOnlyFilter | undefined;
  readonly #resolveEnded: (end: RelayEnd) => void;
  /** The opening of RFB with the viewer; undefined when it is done. */
  #opening: ServerHandshake | undefined = new ServerHandshake({ type: 'none' });
  #failure: string | undefined;
  /** What waited for the viewer has left since the last look. */
  #keepsUp = true;

  constructor(
    private readonly parts: RelayParts,
    private readonly options: RelayOptions,
  ) {
    const { viewer, upstream, workspace, clock, ticker } = parts;
    this.#filter = options.rights === 'view' ? new ViewOnlyFilter() : undefined;
    this.#session = new Session(options.limits, clock.monotonic());
    const ending = Promise.withResolvers<RelayEnd>();
    this.ended = ending.promise;
    this.#resolveEnded = ending.resolve;
    this.#down = new Outlet(viewer.socket, workspace.towardsViewers, (isWaiting) => this.#viewerFlow(isWaiting));
    this.#up = new Outlet(upstream.socket, workspace.towardsRunners, (isWaiting) => this.#runnerFlow(isWaiting));
    this.#listen();
    ticker.add(this);
    const greeting = encodeServerFrame(OPCODE.binary, this.#opening!.start());
    this.#down.write(Buffer.concat([switching(parts.handshake), greeting]));
    viewer.read(new ViewerSide(this));
  }

  get lastActivityAt(): number {
    const { clock } = this.parts;
    return clock.now() - (clock.monotonic() - this.#session.lastByteAt);
  }

  end(cause: EndCause, detail?: string): void {
    this.#finish(cause, detail === undefined ? {} : { detail });
  }

  /** Looks at the limits, and pings when it is time. */
  tick(): void {
    const now = this.parts.clock.monotonic();
    if (this.#down.isWaiting && this.#down.hasMoved()) this.#session.progress('viewer', now);
    if (this.#up.isWaiting && this.#up.hasMoved()) this.#session.progress('runner', now);
    if (this.#down.isFull && !this.#keepsUp) this.parts.upstream.narrow();
    this.#keepsUp = false;
    if (this.#session.isRunnerUnheard(now))
      this.parts.acknowledgements.ask(this.parts.upstream.socket, this.#runnerAcknowledged);
    const isPingDue = this.#session.tick(now);
    if (this.#session.end) this.#settle();
    else if (isPingDue) this.#down.write(PING);
  }

  #listen(): void {
    const { viewer, upstream } = this.parts;
    const noteFailure = (error: Error): void => void (this.#failure ??= errorText(error));
    viewer.socket.on('error', noteFailure);
    const left = (): void => this.#viewerLeft();
    viewer.socket.on('end', left).on('close', left);
    upstream.socket.on('end', () => {
      this.options.whyClosed().then(
        (cause) => this.end(cause),
        (bug: unknown) => this.end('internal', errorText(bug)),
      );
    });
    upstream.socket.on('error', (error) => this.#runnerLost(errorText(error)));
    upstream.socket.on('close', () => this.#runnerLost('the connection closed'));
    upstream.read(new RunnerSide(this));
  }

  /** A viewer's bytes lie at the beginning of the workspace; false: no more, please. */
  fromViewer(length: number): boolean {
    const { memory, unmask } = this.parts.workspace;
    if (this.#session.end || this.#opening || this.#filter) {
      const moved = this.#frames.read(memory, unmask, 0, length, 0);
      if (moved === 0) this.#session.viewerSign(this.parts.clock.monotonic());
      else if (!this.#session.end) this.#takeApart(Buffer.from(memory.subarray(0, moved)));
    } else this.#passUp(length);
    if (this.#frames.events.length > 0) this.#handleAll(this.#frames.events);
    return !this.#up.isFull && this.#viewerTurn.allows(length);
  }

  /** Unmasks what has come straight into what goes out. */
  #passUp(length: number): void {
    const { memory, unmask, towardsRunners } = this.parts.workspace;
    const slab = towardsRunners.withRoom(length);
    const to = slab ? slab.bytes.byteOffset + slab.cursor : 0;
    const moved = this.#frames.read(memory, unmask, 0, length, to);
    if (moved === 0) return this.#session.viewerSign(this.parts.clock.monotonic());
    this.#noteUp(moved);
    if (slab) this.#up.write(slab.take(moved), slab);
    else this.#up.write(Buffer.from(memory.subarray(0, moved)));
  }

  #noteUp(passed: number): void {
    this.#session.viewerBytes(passed, this.parts.clock.monotonic());
  }

  /** Bytes of a viewer that are looked at: its opening, and what one may send who may only view. */
  #takeApart(data: Buffer): void {
    if (this.#opening) return this.#open(this.#opening, data);
    const passed = this.#filter ? this.#filter.filter(data) : { pass: data };
    this.#noteUp(passed.pass.length);
    if (passed.pass.length > 0) this.#up.write(passed.pass);
    if ('unknown' in passed && passed.unknown !== undefined)
      this.end('protocol_error', `unknown RFB message ${passed.unknown} of a viewer who may only view`);
  }

  #open(opening: ServerHandshake, data: Buffer): void {
    this.#noteUp(0);
    for (const event of opening.feed(data)) {
      if (event.type === 'send') this.#down.write(encodeServerFrame(OPCODE.binary, event.bytes));
      if (event.type === 'malformed') this.end('protocol_error', `wanted ${event.want}, got ${event.got}`);
      if (event.type === 'clientInit') {
        this.#opening = undefined;
        this.#session.viewerOpened();
        this.#up.write(SHARED); // always shared: a second viewer never throws the first one out
        const { rest } = this.parts.upstream;
        if (rest.length > 0) this.#passDown(rest, rest.length);
        this.#readRunner();
        const more = opening.takeRest();
        if (more.length > 0) this.#takeApart(more);
      }
    }
  }

  /** A runner's bytes lie at the beginning of its buffer; false: no more, please. */
  fromRunner(length: number): boolean {
    if (this.#session.end) return true; // thrown away, so that its FIN is seen
    this.#passDown(this.parts.workspace.fromRunners, length);
    return !this.#down.isFull && this.#runnerTurn.allows(length);
  }

  #passDown(source: Buffer, length: number): void {
    const { clock, workspace } = this.parts;
    this.#session.runnerBytes(length, clock.monotonic());
    const slab = workspace.towardsViewers.withRoom(length + MAX_SERVER_HEADER)!;
    const start = slab.cursor;
    const at = writeServerHeader(slab.bytes, start, OPCODE.binary, length);
    source.copy(slab.bytes, at, 0, length);
    this.#down.write(slab.take(at - start + length), slab);
  }

  /** While too much waits for the viewer, the runner is not read. */
  #viewerFlow(isWaiting: boolean): void {
    const { clock, upstream } = this.parts;
    this.#session.viewerFlow(isWaiting, clock.monotonic());
    if (this.#down.isFull) upstream.socket.pause();
    else {
      this.#keepsUp = true;
      this.#readRunner();
    }
  }

  #readRunner(): void {
    if (!this.#opening && !this.#down.isFull) this.parts.upstream.socket.resume();
  }

  #runnerFlow(isWaiting: boolean): void {
    this.#session.runnerFlow(isWaiting, this.parts.clock.monotonic());
    if (this.#up.isFull && !this.#session.end) this.parts.viewer.socket.pause();
    else this.#readViewer();
  }

  #readViewer(): void {
    if (!this.#up.isFull || this.#session.end) this.parts.viewer.socket.resume();
  }

  #handleAll(events: readonly ViewerEvent[]): void {
    const ping = events.findLast(({ type }) => type === 'ping'); // the last one stands for all (RFC 6455 section 5.5.3)
    // A viewer that pings and does not read must not fill our memory with pongs.
    if (ping?.type === 'ping' && !this.#session.end && !this.#down.isWaiting)
      this.#down.write(encodeServerFrame(OPCODE.pong, ping.payload));
    for (const event of events) this.#handle(event);
  }

  #handle(event: ViewerEvent): void {
    const now = this.parts.clock.monotonic();
    switch (event.type) {
      case 'ping':
        return this.#session.viewerSign(now);
      case 'pong':
        return this.#session.pong(now);
      case 'close':
        if (this.#session.end) endOnce(this.parts.viewer.socket);
        else this.#finish('viewer_closed', { code: event.code });
        return;
      case 'violation':
        return this.#finish('protocol_error', { detail: event.reason, code: event.code });
    }
  }

  #viewerLeft(): void {
    if (this.#session.end) endOnce(this.parts.viewer.socket);
    else this.#finish('viewer_lost', { detail: this.#failure ?? 'the connection ended without a close frame' });
  }

  readonly #runnerAcknowledged = (isUnacknowledged: boolean): void => {
    if (this.#session.end) return;
    this.#session.runnerAcknowledged(!isUnacknowledged, this.parts.clock.monotonic());
    if (this.#session.end) this.#settle();
  };

  #runnerLost(detail: string): void {
    if (this.#session.end || this.parts.upstream.socket.readableEnded) return;
    this.#session.runnerReset(detail, this.parts.clock.monotonic());
    this.#settle();
  }

  #finish(cause: EndCause, more: { readonly detail?: string; readonly code?: number | null }): void {
    if (this.#session.end) return;
    this.#session.finish(cause, this.parts.clock.monotonic(), more);
    this.#settle();
  }

  /** Carries out the end that the session has come to, once. */
  #settle(): void {
    const { end } = this.#session;
    if (!end) return;
    const { upstream, ticker } = this.parts;
    ticker.delete(this);
    sayFarewell(end, { viewer: this.#down, runner: upstream.socket, isDone: this.#frames.ended });
    this.#resolveEnded(end);
  }
}

/** Bugs of ours end the socket that met them, and no other. */
abstract class Side implements Sink {
  constructor(protected readonly relay: SocketRelay) {}

  take(length: number): boolean {
    try {
      return this.read(length);
    } catch (bug) {
      this.relay.end('internal', errorText(bug));
      return true;
    }
  }

  protected abstract read(length: number): boolean;
}

class ViewerSide extends Side {
  protected override read(length: number): boolean {
    return this.relay.fromViewer(length);
  }
}

class RunnerSide extends Side {
  protected override read(length: number): boolean {
    return this.relay.fromRunner(length);
  }
}

const SHARED = Buffer.from([1]);
const PING = encodeServerFrame(OPCODE.ping, new Uint8Array(0));
