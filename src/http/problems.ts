import type { ServerResponse } from 'node:http';
import { nodeHttp } from '../core/index.js';

const PROBLEM_TYPE = 'application/problem+json';

interface Refusal {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly requestId: string;
}

/** The document of a refusal (RFC 9457). */
export function problemOf(refusal: Refusal): {
  status: number;
  title: string;
  detail: string;
  code: string;
  requestId: string;
} {
  const { status, detail, code, requestId } = refusal;
  return { status, title: nodeHttp().STATUS_CODES[status] ?? 'Error', detail, code, requestId };
}

/** Answers a plain request with a refusal. */
export function sendProblem(
  response: ServerResponse,
  refusal: Refusal,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(refusal.status, { 'content-type': PROBLEM_TYPE, 'cache-control': 'no-store', ...headers });
  response.end(JSON.stringify(problemOf(refusal)));
}
