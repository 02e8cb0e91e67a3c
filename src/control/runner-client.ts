import { Agent, request } from 'undici';
import { z } from 'zod';
import {
  type CreateSession,
  type RunnerHealth,
  type RunnerSession,
  problemSchema,
  runnerHealthSchema,
  runnerSessionSchema,
} from '../api/index.js';
import { CamofleetError, errorText } from '../core/index.js';

/** A runner that is there takes a connection at once; the address of one that is gone swallows it without a word. */
const CONNECT_MS = 3_000;

/** A runner said no; its own problem is passed on. */
export class RunnerRefusal extends Error {
  override readonly name = 'RunnerRefusal';

  constructor(
    readonly status: number,
    readonly code: string,
    detail: string,
  ) {
    super(detail);
  }
}

/** The API of one runner. Answers are parsed; one that cannot be reached or talks nonsense throws CF_UNREACHABLE. */
export class RunnerClient {
  readonly #agent: Agent;
  readonly #headers: Readonly<Record<string, string>>;

  constructor(
    private readonly baseUrl: string,
    serviceKey: string | undefined,
    private readonly timeoutMs: number,
  ) {
    this.#agent = new Agent({
      connect: { timeout: Math.min(timeoutMs, CONNECT_MS) },
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs,
    });
    this.#headers = serviceKey === undefined ? {} : { authorization: `Bearer ${serviceKey}` };
  }

  health(): Promise<RunnerHealth> {
    return this.#call('GET', '/health', runnerHealthSchema);
  }

  list(): Promise<RunnerSession[]> {
    return this.#call('GET', '/sessions', z.array(runnerSessionSchema));
  }

  get(id: string): Promise<RunnerSession> {
    return this.#call('GET', `/sessions/${encodeURIComponent(id)}`, runnerSessionSchema);
  }

  create(session: CreateSession): Promise<RunnerSession> {
    return this.#call('POST', '/sessions', runnerSessionSchema, session);
  }

  async end(id: string): Promise<void> {
    await this.#call('DELETE', `/sessions/${encodeURIComponent(id)}`, z.undefined());
  }

  touch(id: string, viewers?: number): Promise<RunnerSession> {
    return this.#call(
      'POST',
      `/sessions/${encodeURIComponent(id)}/touch`,
      runnerSessionSchema,
      viewers === undefined ? {} : { viewers },
    );
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }

  async #call<T>(method: 'GET' | 'POST' | 'DELETE', path: string, schema: z.ZodType<T>, body?: object): Promise<T> {
    const answer = await this.#send(method, path, body);
    const json = parsed(answer.text);
    if (answer.status < 300) {
      const value = schema.safeParse(json);
      if (value.success) return value.data;
      throw this.#useless(`answered ${method} ${path} in a shape that is not a runner's`);
    }
    // A refusal of our service key is our fault, not that of the caller with an operator key.
    if (answer.status === 401 || answer.status === 403) throw this.#useless('refuses the service key');
    const problem = problemSchema.safeParse(json);
    if (!problem.success) throw this.#useless(`answered ${answer.status}`);
    throw new RunnerRefusal(answer.status, problem.data.code, problem.data.detail);
  }

  #useless(why: string, options?: ErrorOptions): CamofleetError {
    return new CamofleetError('CF_UNREACHABLE', `the runner at ${this.baseUrl} ${why}`, {}, options);
  }

  async #send(
    method: 'GET' | 'POST' | 'DELETE',
    path: string,
    body?: object,
  ): Promise<{ status: number; text: string }> {
    try {
      const { statusCode, body: answer } = await request(new URL(path, this.baseUrl), {
        method,
        dispatcher: this.#agent,
        headers: { ...this.#headers, ...(body && { 'content-type': 'application/json' }) },
        ...(body && { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(this.timeoutMs),
      });
      return { status: statusCode, text: await answer.text() };
    } catch (cause) {
      throw this.#useless(`does not answer: ${errorText(cause)}`, { cause });
    }
  }
}

function parsed(text: string): unknown {
  try {
    return text === '' ? undefined : JSON.parse(text);
  } catch {
    return null; // no schema takes it
  }
}
