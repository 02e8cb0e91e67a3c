import { connect } from 'node:net';
import { once } from 'node:events';
import { request } from 'undici';
import { errorText } from '../../core/index.js';
import { type FetchOptions, agentFor } from './page.js';

/** What a health check that others rely on says. */
export interface HealthFacts {
  readonly url: URL;
  readonly isGreen: boolean;
  /** `HTTP 200`, or why it is not green. */
  readonly saw: string;
  /** How deep it looks. */
  readonly depth: 'TCP' | 'HTTP';
}

const ANSWER_MS = 5_000;

/** Asks a health check once: `http:` and `https:` as a monitor does, `tcp:` by a connection alone. Never throws. */
export async function askHealth(url: URL, options: FetchOptions): Promise<HealthFacts> {
  const signal = AbortSignal.any([options.signal, AbortSignal.timeout(ANSWER_MS)]);
  const depth = url.protocol === 'tcp:' ? 'TCP' : 'HTTP';
  try {
    return { url, depth, ...(depth === 'TCP' ? await byTcp(url, signal) : await byHttp(url, { ...options, signal })) };
  } catch (error) {
    return { url, depth, isGreen: false, saw: errorText(error) };
  }
}

async function byHttp(url: URL, options: FetchOptions): Promise<Pick<HealthFacts, 'isGreen' | 'saw'>> {
  const agent = agentFor(options);
  try {
    const { statusCode, body } = await request(url, { dispatcher: agent, signal: options.signal });
    await body.dump();
    return { isGreen: statusCode >= 200 && statusCode < 400, saw: `HTTP ${statusCode}` };
  } finally {
    await agent.destroy();
  }
}

async function byTcp({ hostname, port }: URL, signal: AbortSignal): Promise<Pick<HealthFacts, 'isGreen' | 'saw'>> {
  const socket = connect({ host: hostname.replace(/^\[|\]$/g, ''), port: Number(port) });
  try {
    await once(socket, 'connect', { signal });
    return { isGreen: true, saw: 'TCP accepted' };
  } finally {
    socket.destroy();
  }
}
