import swagger from '@fastify/swagger';
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import {
  type ZodTypeProvider,
  jsonSchemaTransform,
  serializerCompiler,
  validatorCompiler,
} from 'fastify-type-provider-zod';
import { z } from 'zod';
import {
  PROBLEM_TYPE,
  type PublicSession,
  type RunnerSession,
  createSessionSchema,
  publicSessionSchema,
  workerSchema,
} from '../api/index.js';
import { CamofleetError, type ErrorCode, randomId } from '../core/index.js';
import { corsHeaders, isPreflight, problemOf } from '../http/index.js';
import type { EventHistory } from '../sse/index.js';
import type { ControlConfig } from '../settings/index.js';
import { type Asker, mayUse } from './access.js';
import { refused, rightsRevoked, sessionCreated } from './events.js';
import type { Memory } from './memory.js';
import { type FleetPage, mountPage } from './page.js';
import { chooseRunner } from './placement.js';
import { type PublishDeps, publishSession } from './publish.js';
import type { KnownWorker, Registry } from './registry.js';
import { RunnerRefusal } from './runner-client.js';

export interface ApiDeps {
  readonly config: ControlConfig;
  readonly version: string;
  readonly operatorKey: string | undefined;
  readonly registry: Registry;
  readonly history: EventHistory;
  readonly memory: Memory;
  readonly publishing: PublishDeps;
  readonly page: FleetPage;
}

const MAX_BODY_BYTES = 65_536;
const one = z.object({ worker: z.string(), id: z.string() });
const rightsQuery = z.object({ rights: z.enum(['control', 'view']).default('control') });
const revokeSchema = z.strictObject({ jti: z.string().optional(), grant: z.string().optional() });

const STATUS: Partial<Record<ErrorCode, number>> = {
  CF_USAGE: 400,
  CF_UNREACHABLE: 502,
  CF_SLOTS_EXHAUSTED: 503,
  CF_MEMORY_FULL: 503,
};

/** The public API and the page. Every API path but `/health` and the document needs the right to use it. */
export async function buildApi(deps: ApiDeps): Promise<FastifyInstance> {
  const { corsOrigins, trustedProxies, publicApiPrefix } = deps.config;
  const app = Fastify({
    rewriteUrl: ({ url = '/' }) => withoutPrefix(url, publicApiPrefix),
    bodyLimit: MAX_BODY_BYTES,
    forceCloseConnections: true,
    trustProxy: [...trustedProxies],
  }).withTypeProvider<ZodTypeProvider>();
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'camofleet control plane', version: deps.version },
      servers: [{ url: deps.config.publicApiPrefix || '/' }],
      components: { securitySchemes: { operator: { type: 'http', scheme: 'bearer' } } },
      security: [{ operator: [] }],
    },
    transform: jsonSchemaTransform,
  });
  app.setErrorHandler((error, request, reply) => tellError(error, request, reply));
  app.setNotFoundHandler((request, reply) => refuse(request, reply, 404, 'not_found', 'there is no such path'));
  app.addHook('onRequest', async (request, reply) => {
    const cors = corsHeaders(request.raw, corsOrigins);
    if (Object.keys(cors).length > 0) void reply.headers(cors);
    if (isPreflight(request.raw) && Object.keys(cors).length > 0) await reply.code(204).send();
  });
  mountPage(app, deps.page);
  app.get('/health', async () => ({ status: 'ok' }));
  app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger());
  await app.register(async (guarded) => {
    guarded.addHook('onRequest', async (request, reply) => {
      if (!mayUse(askerOf(request), deps.config, deps.operatorKey)) {
        const detail = 'the operator key is missing or wrong; send it as a bearer';
        await refuse(request, reply.header('www-authenticate', 'Bearer'), 401, 'unauthorized', detail);
      }
    });
    mountSessions(guarded, deps);
  });
  await app.ready();
  return app;
}

/** An ingress that cannot strip a path passes the API's on with its public prefix. */
function withoutPrefix(url: string, prefix: string): string {
  return prefix !== '' && url.startsWith(`${prefix}/`) ? url.slice(prefix.length) : url;
}

function askerOf({ method, host, headers }: FastifyRequest): Asker {
  const { origin, authorization } = headers;
  return { method, host, origin, authorization };
}

function mountSessions(plain: FastifyInstance, deps: ApiDeps): void {
  const app = plain.withTypeProvider<ZodTypeProvider>();
  const { registry } = deps;
  /** Replicas may share a name of their own: to the world each has the one by which it is known here. */
  const publish = (
    { entry }: KnownWorker,
    session: RunnerSession,
    rights: 'control' | 'view' = 'control',
  ): Promise<PublicSession> => publishSession({ ...session, worker: entry.name }, rights, deps.publishing);

  app.get('/workers', { schema: { response: { 200: z.array(workerSchema) } } }, async () => registry.describe());

  app.get('/sessions', { schema: { response: { 200: z.array(publicSessionSchema) } } }, async () => {
    const lists = await inTurns([...registry.workers.values()], deps.config.listConcurrency, async (worker) => {
      const sessions = await listOf(worker, registry);
      return sessions.map((session) => publish(worker, session));
    });
    return Promise.all(lists.flat());
  });

  app.post(
    '/sessions',
    { schema: { body: createSessionSchema.nullish(), response: { 201: publicSessionSchema } } },
    async (request, reply) => {
      const wanted = request.body ?? {};
      await Promise.all(
        [...registry.workers.values()]
          .filter(({ report }) => report?.error !== undefined || report === undefined)
          .map((worker) => registry.refresh(worker)),
      );
      if ([...registry.workers.values()].every(({ report }) => report?.error !== undefined)) await registry.discover();
      const candidates = registry.describe().map((worker) => ({ ...worker, supportsVnc: worker.supports_vnc }));
      const worker = registry.find(chooseRunner(candidates, wanted));
      const { worker: _worker, ...rest } = wanted;
      const session = await worker.client.create(rest);
      registry.saw(worker.entry.name, [session]);
      sessionCreated.publish({ session: session.id, worker: worker.entry.name, browser: session.browser });
      void registry.refresh(worker);
      return reply.code(201).send(await publish(worker, session));
    },
  );

  app.get(
    '/sessions/:worker/:id',
    { schema: { params: one, querystring: rightsQuery, response: { 200: publicSessionSchema } } },
    async ({ params, query }) => {
      const worker = registry.find(params.worker);
      const session = await worker.client.get(params.id);
      registry.saw(params.worker, [session]);
      return publish(worker, session, query.rights);
    },
  );

  app.delete('/sessions/:worker/:id', { schema: { params: one } }, async ({ params }, reply) => {
    const worker = registry.find(params.worker);
    await worker.client.end(params.id);
    void registry.refresh(worker);
    return reply.code(204).send();
  });

  app.post(
    '/sessions/:worker/:id/touch',
    { schema: { params: one, response: { 200: publicSessionSchema } } },
    async ({ params }) => {
      const worker = registry.find(params.worker);
      return publish(worker, await worker.client.touch(params.id));
    },
  );

  app.post(
    '/sessions/:worker/:id/revoke',
    { schema: { params: one, body: revokeSchema } },
    async ({ params, body }, reply) => {
      const { jti, grant } = body;
      const fact = { session: params.id, ...(jti !== undefined && { jti }), ...(grant !== undefined && { grant }) };
      const dated = { ...fact, at: new Date(deps.publishing.clock.now()).toISOString() };
      deps.history.announce('rights.revoked', dated); // also where it cannot be remembered, which the caller then hears
      rightsRevoked.publish(fact);
      await deps.memory.revoke(dated);
      return reply.code(202).send();
    },
  );
}

/** A runner's sessions; one that cannot be reached has none to show, and `GET /workers` says why. */
async function listOf(worker: KnownWorker, registry: Registry): Promise<RunnerSession[]> {
  try {
    const sessions = await worker.client.list();
    registry.saw(worker.entry.name, sessions);
    return sessions;
  } catch (error) {
    if (!(error instanceof CamofleetError || error instanceof RunnerRefusal)) throw error;
    await registry.refresh(worker);
    return [];
  }
}

/** Works through items, at most `width` at a time, in order. */
async function inTurns<T, R>(items: readonly T[], width: number, work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (let at = 0; at < items.length; at += Math.max(1, width))
    results.push(...(await Promise.all(items.slice(at, at + Math.max(1, width)).map(work))));
  return results;
}

function tellError(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  if (error instanceof RunnerRefusal) return refuse(request, reply, error.status, error.code, error.message);
  if (error instanceof CamofleetError)
    return refuse(request, reply, STATUS[error.code] ?? 500, error.code, error.message);
  if (error instanceof z.ZodError) return refuse(request, reply, 400, 'invalid_request', z.prettifyError(error));
  const status = error instanceof Error && 'statusCode' in error ? Number(error.statusCode) : 500;
  const message = error instanceof Error && status < 500 ? error.message : 'the control plane failed; its log has more';
  return refuse(request, reply, status, status < 500 ? 'invalid_request' : 'internal', message);
}

function refuse(
  request: FastifyRequest,
  reply: FastifyReply,
  status: number,
  code: string,
  detail: string,
): FastifyReply {
  const requestId = randomId();
  refused.publish({
    request: requestId,
    status,
    code,
    method: request.method,
    path: request.url.split('?')[0]!,
    remote: request.ip,
  });
  return reply
    .code(status)
    .type(PROBLEM_TYPE)
    .send(JSON.stringify(problemOf({ status, code, detail, requestId })));
}
