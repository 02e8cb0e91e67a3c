import type { IncomingMessage, ServerResponse } from 'node:http';
import type { EventHistory, HistoryEntry } from './history.js';

/** A comment line this often, so that both sides notice a dead peer. */
const KEEPALIVE_MS = 10_000;
/** Bytes that may wait for one follower; a slower one is cut off and resumes. */
const MAX_WAITING_BYTES = 1_048_576;

interface Telling {
  /** A newcomer, that has no Last-Event-ID, hears what comes from now on, or first what is kept. */
  readonly newcomersHear?: 'now' | 'kept';
  /** What everyone who comes hears before all else, however often it was told: it is true as long as it is given here. */
  readonly first?: readonly { readonly name: string; readonly data: object }[];
}

/** Answers a request with the events behind its Last-Event-ID and all that follow, until either side ends. */
export function serveEvents(
  request: IncomingMessage,
  response: ServerResponse,
  history: EventHistory,
  { newcomersHear = 'now', first = [] }: Telling = {},
): void {
  response.writeHead(200, {
    'content-type': 'text/event-stream',
    'cache-control': 'no-store',
    connection: 'keep-alive',
  });
  const send = (text: string): void => {
    if (response.writableLength > MAX_WAITING_BYTES) response.destroy();
    else response.write(text);
  };
  const position = positionOf(request.headers['last-event-id'], history.lastId, newcomersHear);
  const told = new Set(first.map(({ data }) => data));
  const missed = history.since(position).filter(({ data }) => !told.has(data));
  // A follower that hears nothing more comes back to its position; what it missed comes in one piece, however much it is.
  send(`${first.map(bodyOf).join('')}id: ${position}\n\n${missed.map(textOf).join('')}`);
  const unfollow = history.follow((entry) => send(textOf(entry)));
  const keepalive = setInterval(() => send(': alive\n\n'), KEEPALIVE_MS);
  response.once('close', () => {
    clearInterval(keepalive);
    unfollow();
  });
}

function textOf(entry: HistoryEntry): string {
  return `id: ${entry.id}\n${bodyOf(entry)}`;
}

/** An event without an id leaves a follower where it is. */
function bodyOf({ name, data }: Pick<HistoryEntry, 'name' | 'data'>): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}

/** Where a follower goes on: behind what it has seen, at the beginning when that was in another life of ours. */
function positionOf(lastEventId: string | string[] | undefined, newest: number, newcomersHear: 'now' | 'kept'): number {
  if (typeof lastEventId !== 'string' || !/^\d{1,15}$/.test(lastEventId)) return newcomersHear === 'now' ? newest : 0;
  const seen = Number(lastEventId);
  return seen > newest ? 0 : seen;
}
