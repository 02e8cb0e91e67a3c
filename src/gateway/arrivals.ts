import type { Socket } from 'node:net';
import type { Clock } from '../core/index.js';
import type { DataPath } from './data-path.js';
import { Reading } from './inlet.js';
import type { ViewerSocket } from './relay/index.js';
import { type UpgradeHead, readUpgradeHead } from './upgrade-head.js';

/** How often arrivals are looked at that have not said what they want. */
const CHECK_MS = 1_000;
const TOO_LATE = 'HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n';

interface ArrivalsDeps {
  readonly dataPath: Pick<DataPath, 'adopt' | 'fromViewers'>;
  readonly clock: Clock;
  /** By then a head has come. */
  readonly headMs: number;
}

interface Receivers {
  /** A whole head of an upgrade; what came behind it waits at the viewer. */
  readonly onUpgrade: (head: UpgradeHead, viewer: ViewerSocket) => void;
  /** Whatever else has come: the socket is as if nothing had been read. */
  readonly onOther: (accepted: Socket) => void;
}

/**
 * Reads the first request of a connection. A viewer's handshake is answered from the bytes as they lie in the buffer that
 * all sockets share; everything else is node:http's.
 */
export class Arrivals {
  readonly #waiting = new Map<Socket, number>();
  readonly #handedOn = new WeakMap<Socket, ViewerSocket>();
  #timer: NodeJS.Timeout | undefined;

  constructor(private readonly deps: ArrivalsDeps) {}

  take(accepted: Socket, receivers: Receivers): void {
    const viewer = this.deps.dataPath.adopt(accepted);
    if (!viewer) return receivers.onOther(accepted);
    this.#waiting.set(accepted, this.deps.clock.monotonic());
    this.#timer ??= setInterval(() => this.#check(), CHECK_MS).unref();
    let before: Buffer | undefined;
    const reading = new Reading((length) => {
      const come = this.deps.dataPath.fromViewers.subarray(0, length);
      const bytes = before ? Buffer.concat([before, come]) : come;
      const head = readUpgradeHead(bytes);
      if (head === 'incomplete') before = Buffer.from(bytes);
      else this.#decide(viewer, head, bytes, receivers);
      return true;
    });
    viewer.read(reading);
  }

  /** The viewer of a socket that was handed on, and whose later request was an upgrade after all. */
  handedOn(accepted: Socket): ViewerSocket | undefined {
    return this.#handedOn.get(accepted);
  }

  /** Ends those that have not said what they want. */
  destroyAll(): void {
    for (const socket of this.#waiting.keys()) socket.destroy();
    clearInterval(this.#timer);
  }

  #decide(viewer: ViewerSocket, head: UpgradeHead | 'other', bytes: Buffer, { onUpgrade, onOther }: Receivers): void {
    const { socket } = viewer;
    this.#waiting.delete(socket);
    if (head === 'other') {
      this.#handedOn.set(socket, viewer);
      viewer.handOn(bytes);
      onOther(socket);
    } else {
      viewer.hold(bytes.subarray(head.length));
      onUpgrade(head, viewer);
    }
  }

  #check(): void {
    const now = this.deps.clock.monotonic();
    for (const [socket, since] of this.#waiting) {
      const isLate = now - since > this.deps.headMs;
      if (!isLate && !socket.destroyed && !socket.readableEnded) continue;
      this.#waiting.delete(socket);
      if (isLate && socket.writable) socket.write(TOO_LATE);
      socket.destroy();
    }
  }
}
