import type { IncomingMessage, ServerResponse } from 'node:http';
import type { EventHistory, HistoryEntry } from './history.js';

/** A comment line this often, so that both sides notice a dead peer. */
const KEEPALIVE_MS = 10_000;
/** Bytes that may wait for one follower; a slower one is cut off and resumes. */
const MAX_WAITING_BYTES = 1_048_576;

/** Answers a request with the events behind its Last-Event-ID and all that follow, until either side ends. */
export function serveEvents(request: IncomingMessage, response: ServerResponse, history: EventHistory): void {
  response.writeHead(200, {
    'content-type': 'text/event-stream',
    'cache-control': 'no-store',
    connection: 'keep-alive',
  });
  const send = ({ id, name, data }: HistoryEntry): void => {
    if (response.writableLength > MAX_WAITING_BYTES) response.destroy();
    else response.write(`id: ${id}\nevent: ${name}\ndata: ${JSON.stringify(data)}\n\n`);
  };
  const position = positionOf(request.headers['last-event-id'], history.lastId);
  response.write(`id: ${position}\n\n`); // a follower that hears nothing more comes back to here
  for (const entry of history.since(position)) send(entry);
  const unfollow = history.follow(send);
  const keepalive = setInterval(() => response.write(': alive\n\n'), KEEPALIVE_MS);
  response.once('close', () => {
    clearInterval(keepalive);
    unfollow();
  });
}

/** Where a follower goes on: behind what it has seen, at the beginning when that was in another life of ours. */
function positionOf(lastEventId: string | string[] | undefined, newest: number): number {
  const seen = Number(lastEventId ?? newest);
  if (!Number.isInteger(seen)) return newest;
  return seen > newest ? 0 : seen;
}
