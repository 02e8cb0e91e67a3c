import type { IncomingMessage } from 'node:http';
import Fastify, { type FastifyInstance, type FastifyReply } from 'fastify';
import { z } from 'zod';
import { PROBLEM_TYPE, type RunnerHealth, createSessionSchema } from '../api/index.js';
import { CamofleetError, type ErrorCode, isLoopback, randomId } from '../core/index.js';
import { bearerMatches, problemOf } from '../http/index.js';
import { type EventHistory, serveEvents } from '../sse/index.js';
import type { Sessions } from './sessions.js';

interface ApiDeps {
  readonly sessions: Sessions;
  readonly history: EventHistory;
  readonly serviceKey: string | undefined;
  readonly health: () => RunnerHealth;
  readonly corsOrigins: readonly string[];
}

/** The longest body: a session request with all its labels. */
const MAX_BODY_BYTES = 65_536;
const touchSchema = z.strictObject({ viewers: z.int().min(0).optional() }).optional();

/** Which HTTP status an error of ours is. */
const STATUS: Partial<Record<ErrorCode, number>> = {
  CF_USAGE: 400,
  CF_COMPONENT_MISSING: 400,
  CF_SLOTS_EXHAUSTED: 503,
  CF_SERVICE_EXITED: 502,
  CF_SERVICE_NOT_READY: 504,
};

/** The runner's API: sessions, health and the event stream, for holders of the service key. */
export function buildApi(deps: ApiDeps): FastifyInstance {
  const api = Fastify({ bodyLimit: MAX_BODY_BYTES, forceCloseConnections: true });

  api.addHook('onRequest', async (request, reply) => {
    const origin = request.headers.origin;
    if (origin !== undefined && deps.corsOrigins.includes(origin))
      void reply.header('access-control-allow-origin', origin);
    if (!mayCall(request.raw, deps.serviceKey))
      await refuse(reply, 401, 'unauthorized', 'the service key is missing or wrong');
  });
  api.setErrorHandler(async (error, _request, reply) => {
    if (error instanceof z.ZodError) return refuse(reply, 400, 'invalid_request', z.prettifyError(error));
    if (error instanceof CamofleetError) return refuse(reply, STATUS[error.code] ?? 500, error.code, error.message);
    const status = error instanceof Error && 'statusCode' in error ? Number(error.statusCode) : 500;
    return refuse(reply, status, 'error', error instanceof Error ? error.message : 'unknown error');
  });
  api.setNotFoundHandler((_request, reply) => refuse(reply, 404, 'not_found', 'there is no such path'));

  api.get('/health', async () => deps.health());
  api.get('/sessions', async () => deps.sessions.list());
  api.post('/sessions', async (request, reply) => {
    const session = await deps.sessions.create(createSessionSchema.parse(request.body ?? {}));
    return reply.code(201).send(session);
  });
  api.get<{ Params: { id: string } }>('/sessions/:id', async ({ params }, reply) => {
    return deps.sessions.get(params.id) ?? gone(reply, deps.sessions, params.id);
  });
  api.delete<{ Params: { id: string } }>('/sessions/:id', async ({ params }, reply) => {
    const ended = await deps.sessions.end(params.id, 'released', 'released through the API');
    return ended ? reply.code(204).send() : gone(reply, deps.sessions, params.id);
  });
  api.post<{ Params: { id: string } }>('/sessions/:id/touch', async ({ params, body }, reply) => {
    const touched = deps.sessions.touch(params.id, touchSchema.parse(body ?? undefined)?.viewers);
    return touched ?? gone(reply, deps.sessions, params.id);
  });
  api.get('/events', (request, reply) => {
    reply.hijack();
    serveEvents(request.raw, reply.raw, deps.history);
  });
  return api;
}

/** Without a service key only this host may call. */
function mayCall(request: IncomingMessage, serviceKey: string | undefined): boolean {
  if (serviceKey === undefined) return isLoopback(request.socket.remoteAddress ?? '');
  return bearerMatches(request.headers.authorization, serviceKey);
}

function gone(reply: FastifyReply, sessions: Sessions, id: string): Promise<FastifyReply> {
  return sessions.wasEnded(id)
    ? refuse(reply, 410, 'session_ended', 'the session has ended')
    : refuse(reply, 404, 'unknown_session', 'there is no such session');
}

async function refuse(reply: FastifyReply, status: number, code: string, detail: string): Promise<FastifyReply> {
  return reply
    .code(status)
    .type(PROBLEM_TYPE)
    .send(problemOf({ status, code, detail, requestId: randomId() }));
}
