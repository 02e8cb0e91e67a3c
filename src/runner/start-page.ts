import type { Duplex } from 'node:stream';
import { z } from 'zod';

/** How far the page must get: the names that DevTools gives to these moments of a page's life. */
const MOMENTS = { domcontentloaded: 'DOMContentLoaded', load: 'load' } as const;

export type Moment = keyof typeof MOMENTS;

/** A longer message is none that we ask for. */
const MAX_MESSAGE_BYTES = 4 * 1_048_576;
const ASK_AGAIN_MS = 50;

const frameSchema = z.object({
  loaderId: z.string(),
  url: z.string(),
  parentId: z.string().optional(),
  unreachableUrl: z.string().optional(),
});
const messageSchema = z.object({
  method: z.string().optional(),
  sessionId: z.string().optional(),
  params: z
    .object({
      sessionId: z.string().optional(),
      frame: frameSchema.optional(),
      loaderId: z.string().optional(),
      name: z.string().optional(),
    })
    .optional(),
  result: z
    .object({
      targetInfos: z.array(z.object({ targetId: z.string(), type: z.string() })).optional(),
      frameTree: z.object({ frame: frameSchema }).optional(),
    })
    .optional(),
});
type Message = z.output<typeof messageSchema>;

/**
 * Watches, over the DevTools pipe of a Chromium, the page that it was started with. The pipe stays open afterwards:
 * Chromium ends when it closes.
 */
export class StartPage {
  readonly #toBrowser: Duplex;
  readonly #fromBrowser: Duplex;
  readonly #moment: string;
  #loader: string | undefined;
  #asking: NodeJS.Timeout | undefined;
  #pending = Buffer.alloc(0);
  #lastId = 0;
  #state: 'waiting' | 'reached' | 'unreachable' = 'waiting';

  constructor(toBrowser: Duplex, fromBrowser: Duplex, moment: Moment) {
    this.#toBrowser = toBrowser;
    this.#fromBrowser = fromBrowser;
    this.#moment = MOMENTS[moment];
    for (const pipe of [toBrowser, fromBrowser]) pipe.on('error', () => this.#stop()); // the end of the process tells
    fromBrowser.on('data', (bytes: Buffer) => this.#receive(bytes));
    this.#ask('Target.getTargets');
  }

  /** `waiting`, or how it went: the page has got so far, or the browser shows that it cannot be reached. */
  get state(): 'waiting' | 'reached' | 'unreachable' {
    return this.#state;
  }

  /** Asks nothing more, whatever was seen; what still comes is thrown away. */
  leave(): void {
    this.#stop();
    this.#fromBrowser.removeAllListeners('data');
    this.#fromBrowser.resume();
  }

  #stop(): void {
    clearTimeout(this.#asking);
    this.#pending = Buffer.alloc(0);
  }

  #ask(method: string, params: object = {}, sessionId?: string): void {
    this.#lastId += 1;
    const message = { id: this.#lastId, method, params, ...(sessionId !== undefined && { sessionId }) };
    this.#toBrowser.write(`${JSON.stringify(message)}\0`);
  }

  #receive(bytes: Buffer): void {
    this.#pending = Buffer.concat([this.#pending, bytes]);
    for (let end = this.#pending.indexOf(0); end >= 0; end = this.#pending.indexOf(0)) {
      const text = this.#pending.toString('utf8', 0, end);
      this.#pending = this.#pending.subarray(end + 1);
      const message = messageSchema.safeParse(parsed(text));
      if (message.success) this.#handle(message.data);
    }
    if (this.#pending.length > MAX_MESSAGE_BYTES) this.leave();
  }

  #handle({ method, params, result }: Message): void {
    if (result?.targetInfos) this.#attach(result.targetInfos);
    if (method === 'Target.attachedToTarget' && params?.sessionId !== undefined) {
      this.#ask('Page.enable', {}, params.sessionId);
      this.#ask('Page.getFrameTree', {}, params.sessionId);
      this.#ask('Page.setLifecycleEventsEnabled', { enabled: true }, params.sessionId); // tells of earlier moments, too
    }
    const frame = result?.frameTree?.frame ?? (method === 'Page.frameNavigated' ? params?.frame : undefined);
    if (frame) this.#navigated(frame);
    const isMoment = method === 'Page.lifecycleEvent' && params?.name === this.#moment;
    if (isMoment && this.#loader !== undefined && params.loaderId === this.#loader) this.#finish('reached');
  }

  /** A Chromium that has just started may have no page yet. */
  #attach(targets: readonly { readonly targetId: string; readonly type: string }[]): void {
    const page = targets.find(({ type }) => type === 'page');
    if (page) this.#ask('Target.attachToTarget', { targetId: page.targetId, flatten: true });
    else this.#asking = setTimeout(() => this.#ask('Target.getTargets'), ASK_AGAIN_MS);
  }

  /** The empty page before the first navigation is not the start page. */
  #navigated({ loaderId, url, parentId, unreachableUrl }: z.output<typeof frameSchema>): void {
    if (parentId !== undefined || url === '' || url === 'about:blank') return;
    this.#loader = loaderId;
    if (unreachableUrl !== undefined) this.#finish('unreachable');
  }

  #finish(state: 'reached' | 'unreachable'): void {
    if (this.#state === 'waiting') this.#state = state;
    this.leave();
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // the schema then refuses it
  }
}
