import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Rights } from '../tokens/index.js';
import type { EndCause } from './ends.js';
import type { Upstream } from './upstream.js';

/** How a socket ended, with its measures. Times in milliseconds, sizes in bytes of RFB. */
export interface RelayEnd {
  readonly cause: EndCause;
  readonly code: number | null;
  readonly detail?: string;
  readonly durationMs: number;
  readonly bytesUp: number;
  readonly bytesDown: number;
  readonly longestSilenceMs: number;
  readonly pingP99Ms: number | null;
}

export interface Relay {
  readonly ended: Promise<RelayEnd>;
  /** When a byte last passed, either way; epoch milliseconds. */
  readonly lastActivityAt: number;
  /** Ends the socket for this cause, unless it has one already. */
  end(cause: EndCause, detail?: string): void;
}

export interface RelayOptions {
  readonly rights: Rights;
  readonly pingIntervalMs: number;
  readonly readTimeoutMs: number;
  readonly writeTimeoutMs: number;
  readonly idleTimeoutMs: number;
  /** Asked when the runner has sent FIN: the cause, if control has announced one. Answers within its own bound. */
  readonly whyClosed: () => Promise<EndCause>;
}

/** The way of the bytes between a viewer and a runner: one interface, so that it can be replaced as a whole. */
export interface DataPath {
  /** Answers 101 and relays; the greeting to the viewer is the gateway's own. */
  accept(
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    upstream: Upstream,
    options: RelayOptions,
  ): Promise<Relay>;
}
