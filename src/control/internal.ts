import Fastify, { type FastifyInstance } from 'fastify';
import { Gauge, Registry as MetricsRegistry } from 'prom-client';
import { z } from 'zod';
import { redeemSchema, viewedSchema, viewerReportSchema } from '../api/index.js';
import { type Clock, isLoopback } from '../core/index.js';
import { bearerMatches, problemOf } from '../http/index.js';
import { GATEWAYS_PATH } from '../settings/index.js';
import { type EventHistory, serveEvents } from '../sse/index.js';
import type { GatewayService } from './gateways.js';
import type { Memory } from './memory.js';
import type { Registry } from './registry.js';
import type { Viewers } from './viewers.js';

interface InternalDeps {
  readonly clock: Clock;
  readonly serviceKey: string | undefined;
  readonly registry: Registry;
  readonly history: EventHistory;
  readonly memory: Memory;
  /** Of a token that does not say when it was made. */
  readonly tokenTtlSeconds: number;
  readonly viewers: Viewers;
  readonly metricsPath: string;
  /** What the ingress is told of the gateways; undefined: nothing. */
  readonly gateways: (() => Promise<GatewayService>) | undefined;
}

/** A page has its token renewed as soon as it shows a picture: the report of its socket may still be on its way. */
const REPORT_MS = 1_000;
const REDEMPTION_STATUS = { redeemed: 200, known: 409, full: 503 } as const;

/** The internal listener: gateways' event streams, viewer reports, redemption, metrics. No public route reaches it. */
export async function buildInternal(deps: InternalDeps): Promise<FastifyInstance> {
  const app = Fastify({ forceCloseConnections: true });
  const metrics = metricsOf(deps);

  app.addHook('onRequest', async (request, reply) => {
    // Addresses of our own networks, for an ingress that has no key of ours.
    if (request.url === deps.metricsPath || request.url === GATEWAYS_PATH) return;
    const { serviceKey } = deps;
    const may =
      serviceKey === undefined ? isLoopback(request.ip) : bearerMatches(request.headers.authorization, serviceKey);
    if (!may)
      await reply.code(401).send(
        problemOf({
          status: 401,
          code: 'unauthorized',
          detail: 'the service key is missing or wrong',
          requestId: request.id,
        }),
      );
  });
  app.setErrorHandler(async (error, request, reply) => {
    const isTheirs = error instanceof z.ZodError || (error instanceof Error && 'statusCode' in error);
    const told = isTheirs
      ? {
          status: 400,
          code: 'invalid_request',
          detail: error instanceof z.ZodError ? z.prettifyError(error) : error.message,
        }
      : { status: 500, code: 'internal', detail: 'the control plane failed' };
    return reply.code(told.status).send(problemOf({ ...told, requestId: request.id }));
  });
  app.get(deps.metricsPath, async (_request, reply) => reply.type(metrics.contentType).send(await metrics.metrics()));

  const { gateways } = deps;
  if (gateways) app.get(GATEWAYS_PATH, gateways);

  app.get<{ Params: { gateway: string } }>('/internal/gateways/:gateway/events', (request, reply) => {
    reply.hijack();
    // A gateway that starts, or comes back after a restart of ours, must know what was revoked.
    const revoked = deps.memory.revoked.map((data) => ({ name: 'rights.revoked', data }));
    serveEvents(request.raw, reply.raw, deps.history, { newcomersHear: 'kept', first: revoked });
  });

  app.post<{ Params: { gateway: string } }>('/internal/gateways/:gateway/viewers', async (request, reply) => {
    const counts = deps.viewers.report(request.params.gateway, viewerReportSchema.parse(request.body));
    for (const [session, viewers] of counts)
      void deps.registry
        .workerOf(session)
        ?.client.touch(session, viewers)
        .catch(() => undefined); // gone meanwhile: its end is announced
    return reply.code(204).send();
  });

  app.post('/internal/tokens/redeem', async (request, reply) => {
    const { jti, exp, iat } = redeemSchema.parse(request.body);
    const outcome = await deps.memory.redeem(jti, exp, iat ?? exp - deps.tokenTtlSeconds);
    return reply.code(REDEMPTION_STATUS[outcome]).send({ redeemed: outcome === 'redeemed' });
  });

  app.post('/internal/tokens/viewed', async (request, reply) => {
    const { session, jti } = viewedSchema.parse(request.body);
    return reply.send({ viewed: await deps.viewers.isViewed(session, jti, REPORT_MS) });
  });

  await app.ready();
  return app;
}

function metricsOf(deps: InternalDeps): MetricsRegistry {
  const registry = new MetricsRegistry();
  new Gauge({
    name: 'camofleet_control_worker_reachable',
    help: 'Whether a worker answered when it was last asked.',
    labelNames: ['worker'],
    registers: [registry],
    collect() {
      for (const worker of deps.registry.describe())
        this.set({ worker: worker.name }, worker.reachable === true ? 1 : 0);
    },
  });
  return registry;
}
