import { readFile } from 'node:fs/promises';
import { type Agent, request } from 'undici';
import { z } from 'zod';
import {
  type CreateSession,
  type PublicSession,
  type Worker,
  problemSchema,
  publicSessionSchema,
  workerSchema,
} from '../api/index.js';
import { CamofleetError, errorText } from '../core/index.js';
import { type FleetPaths, ROUTES, type Topology, publicOrigin } from '../topology/index.js';
import { agentFor } from './probe/page.js';

/** The API of a fleet as its operator reaches it. */
export interface FleetClient extends AsyncDisposable {
  readonly baseUrl: string;
  workers(): Promise<Worker[]>;
  create(session: CreateSession): Promise<PublicSession>;
  get(worker: string, id: string, rights?: 'control' | 'view'): Promise<PublicSession>;
  list(): Promise<PublicSession[]>;
  touch(worker: string, id: string): Promise<void>;
  end(worker: string, id: string): Promise<void>;
}

const ANSWER_MS = 20_000;

interface Options {
  readonly baseUrl: string;
  readonly key: string | undefined;
  readonly ca: string | undefined;
  readonly insecure: boolean;
  readonly resolve: ReadonlyMap<string, string>;
}

/** The API at `baseUrl`. Throws CF_UNREACHABLE or CF_REFUSED with what was seen. */
export function openFleetClient(options: Options): FleetClient {
  const agent: Agent = agentFor(options);
  const call = async <T>(
    method: 'GET' | 'POST' | 'DELETE',
    path: string,
    schema: z.ZodType<T>,
    body?: object,
  ): Promise<T> => {
    const { status, text } = await send(agent, options, method, path, body);
    if (status < 300) return schema.parse(text === '' ? undefined : JSON.parse(text));
    const problem = problemSchema.safeParse(jsonOrUndefined(text));
    const detail = problem.success ? `${problem.data.code}: ${problem.data.detail}` : text.slice(0, 200).trim();
    const code =
      status === 401 || status === 403 ? 'CF_REFUSED' : status === 503 ? 'CF_SLOTS_EXHAUSTED' : 'CF_UNREACHABLE';
    throw new CamofleetError(code, `${method} ${path} answered ${status}: ${detail}`, { status });
  };
  const sessionPath = (worker: string, id: string): string =>
    `/sessions/${encodeURIComponent(worker)}/${encodeURIComponent(id)}`;
  return {
    baseUrl: options.baseUrl,
    workers: () => call('GET', '/workers', z.array(workerSchema)),
    create: (session) => call('POST', '/sessions', publicSessionSchema, session),
    get: (worker, id, rights = 'control') =>
      call('GET', `${sessionPath(worker, id)}?rights=${rights}`, publicSessionSchema),
    list: () => call('GET', '/sessions', z.array(publicSessionSchema)),
    touch: async (worker, id) => void (await call('POST', `${sessionPath(worker, id)}/touch`, z.unknown())),
    end: async (worker, id) => void (await call('DELETE', sessionPath(worker, id), z.unknown())),
    [Symbol.asyncDispose]: async () => agent.destroy(),
  };
}

/** The public API of the fleet of a folder, with its operator key and its authority. */
export async function clientOfFleet(paths: FleetPaths, topology: Topology): Promise<FleetClient> {
  const key = await readFile(paths.operatorKey, 'utf8').then(
    (text) => text.trim(),
    () => undefined,
  ); // without it loopback may still do
  return openFleetClient({
    baseUrl: `${publicOrigin(topology)}${ROUTES.apiPrefix}`,
    key,
    ...(await trustOf(paths, topology)),
  });
}

/** How the fleet of a folder is dialled: its own authority, and the address that its ingress is bound to. */
export async function trustOf(
  paths: FleetPaths,
  topology: Topology,
): Promise<{ ca: string | undefined; insecure: boolean; resolve: ReadonlyMap<string, string> }> {
  const ca =
    topology.tls.mode === 'throwaway' ? await readFile(paths.caCertificate, 'utf8').catch(() => undefined) : undefined; // absent: the system's authorities
  const { host, port, bind } = topology.public;
  const address = bind === '0.0.0.0' || bind === '::' ? '127.0.0.1' : bind;
  return { ca, insecure: false, resolve: new Map([[`${host}:${port}`, address]]) };
}

async function send(
  agent: Agent,
  options: Options,
  method: 'GET' | 'POST' | 'DELETE',
  path: string,
  body?: object,
): Promise<{ status: number; text: string }> {
  try {
    const answer = await request(`${options.baseUrl}${path}`, {
      method,
      dispatcher: agent,
      headers: {
        ...(options.key !== undefined && { authorization: `Bearer ${options.key}` }),
        ...(body && { 'content-type': 'application/json' }),
      },
      ...(body && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(ANSWER_MS),
    });
    return { status: answer.statusCode, text: await answer.body.text() };
  } catch (cause) {
    throw new CamofleetError(
      'CF_UNREACHABLE',
      `the API at ${options.baseUrl} does not answer: ${errorText(cause)}`,
      {},
      { cause },
    );
  }
}

function jsonOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // not the API's own answer
  }
}
