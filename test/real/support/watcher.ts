import { Agent, request } from 'undici';
import { WebSocket } from 'ws';
import { ClientHandshake, ClientSession } from '../../../src/rfb/index.ts';

/** As the page does it (src/ui/viewer). */
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 15_000;
/** A fleet as its viewers see it. */
export interface Watched {
  /** `https://host:port`. */
  readonly url: string;
  /** PEM of the authority. */
  readonly ca: string;
}

/** Who watches a session: renews its token as soon as it sees a picture, and comes back with it. */
export class Watcher {
  readonly codes: number[] = [];
  frames = 0;
  /** The longest time between two pictures. */
  longestMs = 0;
  #lastAt: number | undefined;
  #failures = 0;
  #socket: WebSocket | undefined;
  #isOver = false;

  constructor(
    private readonly fleet: Watched,
    private readonly agent: Agent,
    private readonly session: string,
    private token: string,
  ) {}

  connect(): void {
    const { fleet } = this;
    const url = `${fleet.url.replace(/^https/, 'wss')}/websockify?token=${this.token}`;
    const socket = new WebSocket(url, 'binary', { ca: fleet.ca, origin: fleet.url });
    this.#socket = socket;
    const handshake = new ClientHandshake();
    let session: ClientSession | undefined;
    const read = (bytes: Buffer): void => {
      for (const event of session?.feed(bytes) ?? []) {
        if (event.type !== 'update' || !session) continue;
        this.#see();
        socket.send(session.request(true));
      }
    };
    socket.on('message', (bytes: Buffer) => {
      if (session) return read(bytes);
      for (const event of handshake.feed(bytes)) {
        if (event.type === 'send') socket.send(event.bytes);
        else if (event.type === 'serverInit') {
          session = new ClientSession(event.init, { keepPicture: false });
          socket.send(session.start());
          void this.#renew();
        }
      }
      if (session) read(handshake.takeRest());
    });
    socket.on('error', () => {}); // `close` follows
    socket.on('close', (code) => this.#comeBack(code));
  }

  close(): void {
    this.#isOver = true;
    this.#socket?.terminate();
  }

  #see(): void {
    const now = performance.now();
    if (this.#lastAt !== undefined) this.longestMs = Math.max(this.longestMs, now - this.#lastAt);
    this.#lastAt = now;
    this.frames += 1;
    this.#failures = 0;
  }

  #comeBack(code: number): void {
    if (this.#isOver) return;
    this.codes.push(code);
    const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** this.#failures);
    this.#failures += 1;
    setTimeout(() => this.#isOver || this.connect(), longest * (0.5 + Math.random() / 2));
  }

  async #renew(): Promise<void> {
    const answer = await request(`${this.fleet.url}/vnc/${this.session}/token`, {
      method: 'POST',
      dispatcher: this.agent,
      headers: { authorization: `Bearer ${this.token}`, origin: this.fleet.url },
    });
    const body = (await answer.body.json()) as { token?: string };
    if (body.token === undefined) throw new Error(`the token was not renewed: ${answer.statusCode}`);
    this.token = body.token;
  }
}
