import { type IncomingMessage, request } from 'node:http';
import { errorText } from '../core/index.js';
import { EventParser, type ParsedEvent } from './parser.js';

export interface Follower {
  /** Whether the stream is open now. */
  readonly connected: boolean;
  stop(): void;
}

const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 5_000;
/** No byte for so long, though a comment comes every 10 s: the peer is gone. */
const SILENCE_MS = 30_000;
const CONNECT_MS = 5_000;

/** Follows an event stream for ever: reconnects with capped, jittered back-off and resumes behind the last event. */
export function followEvents(options: {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly onEvent: (event: ParsedEvent) => void;
  readonly onState: (connected: boolean, why: string) => void;
  readonly random: () => number;
}): Follower {
  let stopped = false;
  let connected = false;
  let lastId: string | undefined;
  let failures = 0;
  let pause: NodeJS.Timeout | undefined;
  let current: ReturnType<typeof request> | undefined;

  const lost = (why: string): void => {
    if (stopped || pause) return;
    if (connected || failures === 0) options.onState(false, why);
    connected = false;
    failures += 1;
    const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (failures - 1));
    pause = setTimeout(connect, longest * (0.5 + options.random() / 2));
  };

  const receive = (response: IncomingMessage): void => {
    if (response.statusCode !== 200) {
      response.resume();
      lost(`answered ${response.statusCode}`);
      return;
    }
    connected = true;
    failures = 0;
    options.onState(true, 'connected');
    const parser = new EventParser();
    response.setEncoding('utf8');
    response.on('data', (text: string) => {
      const events = parser.feed(text);
      lastId = parser.lastId || lastId;
      for (const event of events) options.onEvent(event);
    });
    response.once('close', () => lost('the stream ended'));
    response.on('error', () => {}); // 'close' follows and says it
  };

  function connect(): void {
    pause = undefined;
    const headers = {
      ...options.headers,
      accept: 'text/event-stream',
      ...(lastId !== undefined && { 'last-event-id': lastId }),
    };
    const asked = request(options.url, { headers, timeout: connected ? SILENCE_MS : CONNECT_MS });
    current = asked;
    asked.once('response', (response) => {
      asked.setTimeout(SILENCE_MS);
      receive(response);
    });
    asked.on('timeout', () => asked.destroy(new Error('no answer in time')));
    asked.on('error', (error) => lost(errorText(error)));
    asked.end();
  }

  connect();
  return {
    get connected() {
      return connected;
    },
    stop: () => {
      stopped = true;
      clearTimeout(pause);
      current?.destroy();
    },
  };
}
