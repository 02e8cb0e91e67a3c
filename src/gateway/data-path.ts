import type { Socket } from 'node:net';
import type { Rights } from '../tokens/index.js';
import type { EndCause } from './ends.js';
import type { ViewerSocket } from './relay/index.js';
import type { Upstream } from './upstream.js';

/** How a socket ended, with its measures. Times in milliseconds, sizes in bytes of RFB. */
export interface RelayEnd {
  readonly cause: EndCause;
  /** The code of the close frame; null where none was sent or received. */
  readonly code: number | null;
  readonly detail?: string;
  readonly durationMs: number;
  readonly bytesUp: number;
  readonly bytesDown: number;
  readonly longestSilenceMs: number;
  readonly pingP99Ms: number | null;
}

export interface Relay {
  /** Resolves with the cause as soon as there is one. */
  readonly ended: Promise<RelayEnd>;
  /** When a byte last passed, either way; epoch milliseconds. */
  readonly lastActivityAt: number;
  /** Ends the socket for this cause, unless it has one already. */
  end(cause: EndCause, detail?: string): void;
}

/** The timers of a socket (spec section 2), in milliseconds. */
export interface RelayLimits {
  /** 0 turns pings off. */
  readonly pingIntervalMs: number;
  readonly readTimeoutMs: number;
  readonly writeTimeoutMs: number;
  readonly idleTimeoutMs: number;
}

export interface RelayOptions {
  readonly rights: Rights;
  readonly limits: RelayLimits;
  /** Asked when the runner has sent FIN: the cause, if control has announced one. Answers within its own bound. */
  readonly whyClosed: () => Promise<EndCause>;
}

/** What the answer to an upgrade depends on. */
export interface Handshake {
  /** Sec-WebSocket-Key. */
  readonly key: string;
  /** Whether a subprotocol was offered, and so `binary` is chosen. */
  readonly binary: boolean;
}

/** The way of the bytes between a viewer and a runner: one interface, so that it can be replaced as a whole. */
export interface DataPath {
  /** Where all runners are read into. */
  readonly fromRunners: Buffer;
  /** Where adopted viewers are read into. */
  readonly fromViewers: Buffer;
  /** Takes over what an accepted socket reads; undefined where that cannot be done: the socket is then as it was. */
  adopt(accepted: Socket): ViewerSocket | undefined;
  /** Takes over what a socket reads, the public way where it cannot be adopted. */
  take(accepted: Socket): ViewerSocket;
  /**
   * Answers 101 and relays; the greeting to the viewer is the gateway's own. Undefined when the viewer has left
   * meanwhile: nothing was answered, and the runner's socket is still the caller's.
   */
  accept(viewer: ViewerSocket, handshake: Handshake, upstream: Upstream, options: RelayOptions): Relay | undefined;
}
