import type { RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { text } from 'node:stream/consumers';
import { nodeHttp } from '../../core/index.js';

export interface Answer {
  readonly status: number;
  readonly body: string;
}

const ANSWER_MS = 2_000;

/** One GET on a connection of its own, with its body. */
export function ask(url: URL, options: RequestOptions & { readonly signal: AbortSignal }): Promise<Answer> {
  const request = url.protocol === 'https:' ? httpsRequest : nodeHttp().request;
  return new Promise((resolve, reject) => {
    const asked = request(url, { agent: false, timeout: ANSWER_MS, ...options }, (response) => {
      text(response).then((body) => resolve({ status: response.statusCode ?? 0, body }), reject);
    });
    asked.on('timeout', () => asked.destroy(new Error('no answer in time')));
    asked.on('error', reject);
    asked.end();
  });
}
