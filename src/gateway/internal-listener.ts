import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Registry } from 'prom-client';
import { nodeHttp } from '../core/index.js';

interface InternalDeps {
  /** Absent: `/metrics` is not served. */
  readonly metrics: Registry | undefined;
  readonly onDrain: () => void;
}

/** The listener of the loopback or internal network: metrics and administration. Nothing listens yet. */
export function internalListener(deps: InternalDeps): Server {
  return nodeHttp().createServer((request, response) => {
    void answer(request, response, deps);
  });
}

async function answer(
  { method, url, headers }: IncomingMessage,
  response: ServerResponse,
  { metrics, onDrain }: InternalDeps,
): Promise<void> {
  const say = (status: number, word: string): void => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ status: word }));
  };
  if (url === '/metrics' && metrics && method === 'GET') {
    const text = await metrics.metrics();
    response.writeHead(200, { 'content-type': metrics.contentType }).end(text);
  } else if (url !== '/admin/drain') say(404, 'not found');
  else if (method !== 'POST') say(405, 'POST drains');
  else if (headers.origin !== undefined)
    say(403, 'no page may do this'); // a browser on this host reaches loopback too
  else {
    say(202, 'draining');
    onDrain();
  }
}
