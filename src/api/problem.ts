import { z } from 'zod';

/** `application/problem+json` (RFC 9457) as every service answers a refusal. */
export const problemSchema = z.object({
  status: z.int(),
  title: z.string(),
  detail: z.string(),
  /** Stable and machine-readable: `token_expired`, `session_ended`, `runner_refused`, … */
  code: z.string(),
  requestId: z.string(),
});

export const PROBLEM_TYPE = 'application/problem+json';
