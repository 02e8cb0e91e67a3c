import { z } from 'zod';
import { HOPS } from '../../src/core/index.ts';
import { CODES } from '../../src/diagnostics/codes.ts';
import { VERDICTS } from '../../src/report/index.ts';

const hop = z.enum(HOPS);
const verdict = z.enum(VERDICTS);
const text = z.string().min(1);
const time = z.iso.datetime({ precision: 3 });
const millis = z.number().min(0);
const evidence = z.strictObject({
  file: text,
  line: z.int().min(1).optional(),
  packet: z.int().min(1).optional(),
  text: z.string().optional(),
});

const check = z
  .strictObject({
    id: z.string().regex(/^[a-z]+(\.[a-zA-Z0-9-]+)+$/),
    hop,
    title: text,
    verdict,
    saw: z.string().optional(),
    want: z.string().optional(),
    because: z.string().optional(),
    tookMs: millis,
    evidence: z.array(evidence).optional(),
  })
  .refine(({ verdict: is, saw, want, because }) => {
    if (is === 'skip' || is === 'unknown') return because !== undefined && saw === undefined;
    return saw !== undefined && because === undefined && (is === 'pass' || want !== undefined);
  }, 'a skip and an unknown have a reason, the others what was seen, a warning and a failure also what was wanted');

const traffic = z.enum(['viewing', 'silent', 'pings', 'asks', 'pokes', 'pulls', 'naps']);

const stream = z.strictObject({
  vantage: z.enum(['public', 'gateway', 'rfb']),
  mode: z.enum(['still', 'moving', 'watch-only']),
  traffic: traffic.optional(),
  session: text.optional(),
  openedAt: time,
  heldMs: millis,
  bytesIn: z.int().min(0),
  bytesOut: z.int().min(0),
  frames: z.int().min(0),
  pings: z.strictObject({
    sent: z.int().min(0),
    answered: z.int().min(0),
    p50Ms: millis.nullable(),
    p99Ms: millis.nullable(),
  }),
  longestSilenceMs: z.int().min(0),
  reconnects: z.int().min(0),
  frozen: z.literal(true).optional(),
  end: z.strictObject({
    by: z.enum([...HOPS, 'verify', 'unknown']),
    how: z.enum(['close_frame', 'close_notify', 'fin', 'rst', 'timeout', 'none']),
    code: z.int().nullable(),
    reason: z.string(),
    atMs: millis,
  }),
});

const finding = z
  .strictObject({
    code: z.enum(Object.keys(CODES)),
    hop,
    severity: z.enum(['fail', 'warn', 'info']),
    confidence: z.enum(['proven', 'likely', 'possible']),
    saw: text,
    want: text,
    remedy: text,
    not: z.array(text),
    settle: text.optional(),
    knownAfterMs: z.number().int().nonnegative().optional(),
    evidence: z.array(evidence).min(1),
    hypotheses: z
      .array(
        z.strictObject({ what: text, stands: z.boolean(), speaksFor: z.array(text), speaksAgainst: z.array(text) }),
      )
      .min(1)
      .optional(),
  })
  .refine(({ code, hop: at }) => code.startsWith(`CF-${at.toUpperCase()}-`) || code === 'CF-TOPOLOGY-RULE', {
    message: 'a code carries its hop',
  });

/** `report.json` as the contract gives it, every field; nothing else may be in it. */
export const reportSchema = z
  .strictObject({
    schema: z.literal('camofleet.report/1'),
    run: z.string().regex(/^\d{4}-\d{2}-\d{2}T\d{2}-\d{2}-\d{2}Z-[a-z0-9]{4}$/),
    version: z.string().regex(/^\d+\.\d+\.\d+/),
    startedAt: time,
    endedAt: time,
    verdict,
    exitCode: z.literal([0, 1, 2, 3, 4, 5, 99, 130]),
    summary: text,
    interrupted: z.boolean().optional(),
    target: z.strictObject({ url: z.url().nullable(), vantages: z.array(z.enum(['public', 'gateway', 'rfb'])) }),
    hops: z.array(z.strictObject({ hop, verdict, tookMs: millis.nullable(), note: z.string().optional() })),
    checks: z.array(check),
    streams: z.array(stream),
    findings: z.array(finding),
    budget: z
      .array(
        z.strictObject({
          name: text,
          limit: millis,
          saw: millis.nullable(),
          crossed: z.boolean(),
          because: text.optional(),
        }),
      )
      .optional(),
    cutTimes: z
      .strictObject({
        boundMs: millis,
        rows: z.array(z.strictObject({ vantage: text, traffic, cutMs: millis.nullable(), outlivedMs: millis })),
        pingEveryMs: millis.nullable(),
        set: z.array(z.strictObject({ where: text, what: text })),
      })
      .optional(),
    clocks: z
      .array(z.strictObject({ source: text, aheadMs: z.number(), uncertaintyMs: millis, events: z.int().min(1) }))
      .optional(),
    artifacts: z.array(
      z.strictObject({
        path: text,
        kind: z.enum(['pcap', 'log', 'report', 'junit', 'html', 'picture', 'text']),
        bytes: z.int().min(0),
        sha256: z.string().regex(/^[0-9a-f]{64}$/),
        redactions: z.int().min(0),
      }),
    ),
    collection: z.array(
      z.strictObject({ what: text, status: z.enum(['ok', 'partial', 'skip', 'failed']), because: text.optional() }),
    ),
  })
  .refine(({ hops }) => {
    const order = hops.map((one) => HOPS.indexOf(one.hop));
    return order.every((place, index) => index === 0 || place > order[index - 1]!);
  }, 'hops come once each, in path order')
  .refine(({ startedAt, endedAt }) => startedAt <= endedAt, 'it ends after it began');
