import { z } from 'zod';

/** What a session shows: the moving, self-describing card; a real display with a browser; a display without one. */
export const SESSION_KINDS = ['testcard', 'display'] as const;

/** How far a browser keeps its pages from everything else where it runs: `reduced` is system call filters alone. */
export const SANDBOX_STATES = ['on', 'reduced', 'off'] as const;

export const SESSION_STATUSES = ['starting', 'ready', 'ending', 'failed'] as const;

/** A name in a request is no longer than this, a page's URL no longer than what browsers and proxies take. */
const MAX_NAME = 128;
const MAX_URL = 8_192;
const MAX_LABELS = 64;

const port = z.int().min(1).max(65_535);

/** `POST /sessions` at control and at a runner. All optional. */
export const createSessionSchema = z.strictObject({
  /** Control only: the runner to use; absent, control chooses. */
  worker: z.string().max(MAX_NAME).optional(),
  /** A configured browser's name; `testcard` for the test card; `none` for a display without a browser (a still screen). */
  browser: z.string().max(MAX_NAME).optional(),
  headless: z.boolean().optional(),
  /** The VNC picture; false for automation alone. */
  vnc: z.boolean().optional(),
  start_url: z.string().max(MAX_URL).optional(),
  start_url_wait: z.enum(['none', 'domcontentloaded', 'load']).optional(),
  idle_ttl_seconds: z.number().min(0).optional(),
  resolution: z
    .string()
    .regex(/^\d{2,5}x\d{2,5}x(16|24)$/)
    .optional(),
  labels: z
    .record(z.string().max(MAX_NAME), z.string().max(256))
    .refine((labels) => Object.keys(labels).length <= MAX_LABELS, `at most ${MAX_LABELS} labels`)
    .optional(),
});
export type CreateSession = z.output<typeof createSessionSchema>;

const base = {
  worker: z.string(),
  /** The public id: random, never reused. */
  id: z.string(),
  status: z.enum(SESSION_STATUSES),
  /** ISO 8601 with milliseconds. */
  created_at: z.string(),
  last_seen_at: z.string(),
  browser: z.string(),
  headless: z.boolean(),
  idle_ttl_seconds: z.number(),
  labels: z.record(z.string(), z.string()),
  /** Playwright endpoint, where the browser has one. */
  ws_endpoint: z.string().nullable(),
  vnc_enabled: z.boolean(),
  start_url_wait: z.enum(['none', 'domcontentloaded', 'load']),
  /** The sandbox of the browser; null where there is no browser or where it is not known. */
  sandbox: z.enum(SANDBOX_STATES).nullable().optional(),
};

/** A session as its runner tells control: with the target and the RFB password, so only over the service key. */
export const runnerSessionSchema = z.object({
  ...base,
  kind: z.enum(SESSION_KINDS),
  /** Null without a picture. */
  target: z.object({ host: z.string(), port, password: z.string() }).nullable(),
  /** Framebuffer size in pixels; null without a picture. */
  screen: z.object({ width: z.int(), height: z.int() }).nullable(),
  viewers: z.int().optional(),
  /** Only from a runner that is used without a control plane: URLs with a legacy id. The viewer is asked for the password. */
  vnc: z.object({ ws: z.string(), http: z.string(), password_protected: z.boolean() }).nullable().optional(),
});
export type RunnerSession = z.output<typeof runnerSessionSchema>;

/** A session as control publishes it: `vnc.ws` and `vnc.http` carry a token, targets and passwords never appear. */
export const publicSessionSchema = z.object({
  ...base,
  vnc: z.object({ ws: z.string(), http: z.string(), password_protected: z.boolean() }).nullable(),
  /** Pixel size of the picture, null without one. */
  screen: z.object({ width: z.int(), height: z.int() }).nullable().optional(),
  /** Viewers that gateways reported in the last 30 s. */
  viewers: z.int().optional(),
});
export type PublicSession = z.output<typeof publicSessionSchema>;

/** `GET /workers`. `reachable: null` means not asked yet; `age_seconds` is the age of the answer. */
export const workerSchema = z.object({
  name: z.string(),
  supports_vnc: z.boolean(),
  reachable: z.boolean().nullable(),
  age_seconds: z.number().nullable(),
  sessions: z.int().nullable(),
  capacity: z.int().nullable(),
  browsers: z.array(z.string()),
  error: z.string().nullable(),
});
export type Worker = z.output<typeof workerSchema>;

/** `GET /health` of a runner (service key). */
export const runnerHealthSchema = z.object({
  status: z.enum(['ok', 'degraded']),
  name: z.string(),
  version: z.string(),
  sessions: z.int(),
  capacity: z.int(),
  /** Names that `POST /sessions` accepts here: `testcard` always, `none` and browsers where Xvfb and x11vnc are. */
  browsers: z.array(z.string()),
  /** Programs a real display needs and that are missing here. */
  missing: z.array(z.string()),
  /** Browsers' sandboxes here, as far as they are known. */
  sandboxes: z.record(z.string(), z.enum(SANDBOX_STATES)).optional(),
  /** Why it is degraded. */
  problem: z.string().optional(),
});
export type RunnerHealth = z.output<typeof runnerHealthSchema>;
