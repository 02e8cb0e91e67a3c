import type { Server, ServerResponse } from 'node:http';
import { errorText, nodeHttp } from '../core/index.js';
import { internalFailure } from './events.js';
import { metricsOf } from './metrics.js';
import type { Sessions } from './sessions.js';

/** Less than what a health check has in all. */
const LOOK_MS = 3_000;

/** The internal listener: metrics, and whether this runner is ready. Nothing listens yet. */
export function buildInternal(sessions: Sessions): Server {
  const metrics = metricsOf(sessions);
  let look: Promise<Readiness> | undefined;
  /** Whoever asks while a look is under way has its answer. */
  const ready = (): Promise<Readiness> => (look ??= readinessOf(sessions).finally(() => (look = undefined)));
  return nodeHttp().createServer((request, response) => {
    const answer = request.url === '/metrics' ? metrics : request.url === '/readyz' ? ready : undefined;
    if (!answer) return void response.writeHead(404).end();
    answer().then(
      (said) => say(response, said),
      (error: unknown) => {
        internalFailure.publish({ what: `answering ${request.url}`, message: errorText(error) });
        response.writeHead(500).end();
      },
    );
  });
}

type Readiness = { readonly status: number; readonly type: string; readonly text: string };

/** Not ready: a session is not what it should be, or the last one that was asked for could not be had. */
async function readinessOf(sessions: Sessions): Promise<Readiness> {
  const problems = await sessions.look(AbortSignal.timeout(LOOK_MS));
  const isReady = problems.length === 0;
  const body = { status: isReady ? 'ready' : 'unready', sessions: sessions.count, problems };
  return { status: isReady ? 200 : 503, type: 'application/json', text: JSON.stringify(body) };
}

function say(response: ServerResponse, { status, type, text }: Readiness): void {
  response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' }).end(text);
}
