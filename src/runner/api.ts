import Fastify, { type FastifyInstance, type FastifyReply } from 'fastify';
import { z } from 'zod';
import { PROBLEM_TYPE, type RunnerHealth, createSessionSchema } from '../api/index.js';
import { CamofleetError, type ErrorCode, errorText, randomId } from '../core/index.js';
import { bearerMatches, corsHeaders, isPreflight, problemOf } from '../http/index.js';
import { type EventHistory, serveEvents } from '../sse/index.js';
import { internalFailure } from './events.js';
import type { Sessions } from './sessions.js';

interface ApiDeps {
  readonly sessions: Sessions;
  readonly history: EventHistory;
  readonly serviceKey: string;
  readonly health: () => RunnerHealth;
  readonly corsOrigins: readonly string[];
}

/** The longest body: a session request with all its labels. */
const MAX_BODY_BYTES = 65_536;
const touchSchema = z.strictObject({ viewers: z.int().min(0).optional() });

/** Which HTTP status an error of ours is. */
const STATUS: Partial<Record<ErrorCode, number>> = {
  CF_USAGE: 400,
  CF_COMPONENT_MISSING: 400,
  CF_SERVICE_EXITED: 502,
  CF_SLOTS_EXHAUSTED: 503,
  CF_PORT_TAKEN: 503,
  CF_STOPPING: 503,
  CF_SERVICE_NOT_READY: 504,
};

/** The runner's API: sessions, health and the event stream, for holders of the service key. */
export function buildApi(deps: ApiDeps): FastifyInstance {
  const { sessions } = deps;
  const api = Fastify({ bodyLimit: MAX_BODY_BYTES, forceCloseConnections: true });
  takeEmptyBodies(api);
  api.addHook('onRequest', async (request, reply) => {
    const cors = corsHeaders(request.raw, deps.corsOrigins);
    void reply.headers(cors);
    if (isPreflight(request.raw) && Object.keys(cors).length > 0) return reply.code(204).send();
    if (bearerMatches(request.headers.authorization, deps.serviceKey)) return undefined;
    return refuse(reply, 401, 'unauthorized', 'the service key is missing or wrong; send it as a bearer');
  });
  api.setErrorHandler((error, _request, reply) => tellError(error, reply));
  api.setNotFoundHandler((_request, reply) => refuse(reply, 404, 'not_found', 'there is no such path'));

  api.get('/health', async () => deps.health());
  api.get('/sessions', async () => sessions.list());
  api.post('/sessions', async (request, reply) => {
    const session = await sessions.create(createSessionSchema.parse(request.body ?? {}));
    return reply.code(201).send(session);
  });
  api.get<{ Params: { id: string } }>('/sessions/:id', async ({ params }, reply) => {
    return sessions.get(params.id) ?? gone(reply, sessions, params.id);
  });
  api.delete<{ Params: { id: string } }>('/sessions/:id', async ({ params }, reply) => {
    const ended = await sessions.end(params.id, 'released', 'released through the API');
    return ended ? reply.code(204).send() : gone(reply, sessions, params.id);
  });
  api.post<{ Params: { id: string } }>('/sessions/:id/touch', async ({ params, body }, reply) => {
    const { viewers } = touchSchema.parse(body ?? {});
    return sessions.touch(params.id, viewers) ?? gone(reply, sessions, params.id);
  });
  api.get('/events', (request, reply) => {
    reply.hijack();
    serveEvents(request.raw, reply.raw, deps.history);
  });
  return api;
}

/** Clients that always say `application/json` also say it of no body. */
function takeEmptyBodies(api: FastifyInstance): void {
  const parse = api.getDefaultJsonParser('error', 'error');
  api.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') done(null, undefined);
    else void parse(request, String(body), done);
  });
}

function gone(reply: FastifyReply, sessions: Sessions, id: string): FastifyReply {
  return sessions.wasEnded(id)
    ? refuse(reply, 410, 'session_ended', 'the session has ended')
    : refuse(reply, 404, 'unknown_session', 'there is no such session');
}

/** What we know is told; what we do not know is a fault of ours, and its words stay in the log. */
function tellError(error: unknown, reply: FastifyReply): FastifyReply {
  if (error instanceof z.ZodError) return refuse(reply, 400, 'invalid_request', z.prettifyError(error));
  const known = error instanceof CamofleetError ? STATUS[error.code] : undefined;
  if (error instanceof CamofleetError && known !== undefined) return refuse(reply, known, error.code, error.message);
  const status = error instanceof Error && 'statusCode' in error ? Number(error.statusCode) : 500;
  if (status < 500) return refuse(reply, status, 'invalid_request', errorText(error));
  const request = randomId();
  internalFailure.publish({ request, what: 'answering a request', message: errorText(error) });
  return refuse(reply, 500, 'internal', 'the runner failed; its log has more', request);
}

function refuse(
  reply: FastifyReply,
  status: number,
  code: string,
  detail: string,
  requestId = randomId(),
): FastifyReply {
  return reply
    .code(status)
    .type(PROBLEM_TYPE)
    .send(JSON.stringify(problemOf({ status, code, detail, requestId })));
}
