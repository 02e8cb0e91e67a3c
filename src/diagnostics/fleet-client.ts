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
import type { Trust } from './trust.js';

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
/** Characters of a foreign answer that are shown. */
const MAX_SHOWN = 200;

interface Options extends Trust {
  readonly baseUrl: string;
  /** Of every request; the key is among them. */
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * The API at `baseUrl`. Throws CF_UNREACHABLE, CF_REFUSED or CF_SLOTS_EXHAUSTED with what was seen; `facts.problem` is the
 * code of the API's own problem document, absent where somebody else answered.
 */
export function openFleetClient(options: Options): FleetClient {
  const agent: Agent = agentFor(options);
  const call = async <T>(
    method: 'GET' | 'POST' | 'DELETE',
    path: string,
    schema: z.ZodType<T>,
    body?: object,
  ): Promise<T> => {
    const { status, text } = await send(agent, options, method, path, body);
    const json = jsonOrUndefined(text);
    if (status >= 300) throw refusal(`${method} ${path}`, status, text, json);
    const answer = schema.safeParse(json);
    if (answer.success) return answer.data;
    throw new CamofleetError(
      'CF_UNREACHABLE',
      `${method} ${path} answered ${status} with what is no answer of the API: ${shown(text)}`,
      { status },
    );
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

/** The public API of the fleet of a folder, or the API at another address, with the operator key of the fleet. */
export async function clientOfFleet(
  { paths, topology }: { readonly paths: FleetPaths; readonly topology: Topology },
  trust: Trust,
  at = `${publicOrigin(topology)}${ROUTES.apiPrefix}`,
): Promise<FleetClient> {
  const key = await readFile(paths.operatorKey, 'utf8').catch(() => undefined); // without it loopback may still do
  const headers: Record<string, string> = key === undefined ? {} : { authorization: `Bearer ${key.trim()}` };
  return openFleetClient({ baseUrl: at, headers, ...trust });
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
        ...options.headers,
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

function refusal(what: string, status: number, text: string, json: unknown): CamofleetError {
  const problem = problemSchema.safeParse(json);
  if (!problem.success) {
    const code = status === 401 || status === 403 ? 'CF_REFUSED' : 'CF_UNREACHABLE';
    return new CamofleetError(code, `${what} answered ${status}: ${shown(text)}`, { status });
  }
  const { code: told, detail } = problem.data;
  const code =
    status === 401 || status === 403
      ? 'CF_REFUSED'
      : told === 'CF_SLOTS_EXHAUSTED'
        ? 'CF_SLOTS_EXHAUSTED'
        : 'CF_UNREACHABLE';
  return new CamofleetError(code, `${what} answered ${status}: ${told}: ${detail}`, { status, problem: told });
}

function shown(text: string): string {
  return text.slice(0, MAX_SHOWN).trim() || 'nothing';
}

function jsonOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // not the API's own answer
  }
}
