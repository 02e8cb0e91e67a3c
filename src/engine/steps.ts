import { z } from 'zod';

const service = z.string();

/** What a person who waits for a fleet is told of one service. */
export const stepSchema = z.discriminatedUnion('state', [
  z.object({ state: z.literal('queued'), service, after: z.array(service) }),
  z.object({ state: z.literal('waiting'), service, because: z.string(), leftMs: z.number() }),
  z.object({ state: z.literal('ready'), service, tookMs: z.number() }),
  z.object({ state: z.literal('failed'), service, because: z.string() }),
  z.object({ state: z.literal('died'), service, because: z.string(), retryInMs: z.number() }),
  z.object({ state: z.literal('stopped'), service, how: z.string(), tookMs: z.number() }),
]);
export type Step = z.output<typeof stepSchema>;
