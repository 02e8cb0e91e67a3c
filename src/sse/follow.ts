import type { ClientRequest, IncomingMessage } from 'node:http';
import { errorText, nodeHttp } from '../core/index.js';
import { EventParser, type ParsedEvent } from './parser.js';

export interface Follower {
  /** Whether the stream is open now. */
  readonly connected: boolean;
  stop(): void;
}

export interface FollowOptions {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly onEvent: (event: ParsedEvent) => void;
  /** Each time the stream opens, and once each time it cannot be had any more. */
  readonly onState: (connected: boolean, why: string) => void;
  readonly random: () => number;
}

const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 5_000;
/** No byte for so long, though a comment comes every 10 s: the peer is gone. */
const SILENCE_MS = 30_000;
const CONNECT_MS = 5_000;
const STREAM_TYPE = /^text\/event-stream\b/i;
/** Ids that may stand in a header; ours are decimals. */
const RESUMABLE = /^[\x20-\x7e]{1,64}$/;

/** Follows an event stream for ever: reconnects with capped, jittered back-off and resumes behind the last event. */
export function followEvents(options: FollowOptions): Follower {
  let stopped = false;
  let connected = false;
  let lastId: string | undefined;
  let failures = 0;
  let pause: NodeJS.Timeout | undefined;
  let current: ClientRequest | undefined;

  const lose = (asked: ClientRequest, why: string): void => {
    if (stopped || asked !== current) return; // the first cause of an end is told, and only that
    current = undefined;
    asked.destroy();
    const isNews = connected || failures === 0;
    connected = false;
    failures += 1;
    const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (failures - 1));
    pause = setTimeout(connect, longest * (0.5 + options.random() / 2));
    if (isNews) options.onState(false, why);
  };

  const receive = (asked: ClientRequest, response: IncomingMessage): void => {
    response.on('error', (error) => lose(asked, errorText(error)));
    const refusal = refusalOf(response);
    if (refusal !== undefined) {
      lose(asked, refusal);
      return;
    }
    asked.setTimeout(SILENCE_MS);
    connected = true;
    failures = 0;
    const parser = new EventParser();
    response.setEncoding('utf8');
    response.on('data', (text: string) => {
      if (asked !== current) return;
      const events = parser.feed(text);
      if (RESUMABLE.test(parser.lastId)) lastId = parser.lastId;
      for (const event of events) options.onEvent(event);
    });
    response.once('close', () => lose(asked, 'the stream ended'));
    options.onState(true, 'connected');
  };

  function connect(): void {
    const resume = lastId !== undefined && { 'last-event-id': lastId };
    const headers = { ...options.headers, accept: 'text/event-stream', ...resume };
    const asked = nodeHttp().request(options.url, { headers, timeout: CONNECT_MS });
    current = asked;
    asked.once('response', (response) => receive(asked, response));
    asked.on('timeout', () => lose(asked, connected ? 'no byte for too long' : 'no answer in time'));
    asked.on('error', (error) => lose(asked, errorText(error)));
    asked.end();
  }

  connect();
  return {
    get connected() {
      return connected;
    },
    stop: () => {
      stopped = true;
      connected = false;
      clearTimeout(pause);
      current?.destroy();
      current = undefined;
    },
  };
}

function refusalOf({ statusCode, headers }: IncomingMessage): string | undefined {
  if (statusCode !== 200) return `answered ${statusCode}`;
  const type = headers['content-type'] ?? 'nothing';
  return STREAM_TYPE.test(type) ? undefined : `answered with ${type}, wanted text/event-stream`;
}
