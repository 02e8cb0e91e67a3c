import { z } from 'zod';

/**
 * Event streams are `text/event-stream` (WHATWG HTML, server-sent events): `id:` a decimal that only grows, `event:`
 * the name, `data:` one JSON line. A comment line every 10 s keeps them alive; `Last-Event-ID` resumes.
 *
 * runner → control:  GET /events on the runner API                                (service key)
 * control → gateway: GET /internal/gateways/{gatewayId}/events on control's internal listener (service key)
 */

/** Why a session ended. The first three are releases (`session_ended`); a crash leaves the cause to what the gateway saw. */
export const END_REASONS = ['released', 'expired', 'shutdown', 'crashed'] as const;

export const sessionEndedSchema = z.object({
  session: z.string(),
  reason: z.enum(END_REASONS),
  /** In words, for logs: `idle for 300 s`, `x11vnc exited with code 1`. */
  detail: z.string(),
  at: z.string(),
});
export type SessionEnded = z.output<typeof sessionEndedSchema>;

/** Rights taken back: one token (`jti`), one grant, or all of a session. */
export const rightsRevokedSchema = z.object({
  session: z.string(),
  jti: z.string().optional(),
  grant: z.string().optional(),
  at: z.string(),
});
export type RightsRevoked = z.output<typeof rightsRevokedSchema>;

export const EVENT_SCHEMAS = { 'session.ended': sessionEndedSchema, 'rights.revoked': rightsRevokedSchema } as const;

/**
 * gateway → control: `POST /internal/gateways/{gatewayId}/viewers`, an entry a token; all of them every 10 s, those that
 * changed promptly (`changes`; no viewers any more: 0).
 */
export const viewerReportSchema = z.object({
  changes: z.boolean().optional(),
  viewers: z.array(
    z.object({ session: z.string(), jti: z.string(), viewers: z.int().min(0), lastActivityAt: z.string() }),
  ),
});
export type ViewerReport = z.output<typeof viewerReportSchema>;

/** gateway → control: `POST /internal/tokens/redeem {jti, exp, iat}` → `{"redeemed": true}` once, then 409. */
export const redeemSchema = z.object({ jti: z.string(), exp: z.int(), iat: z.int().optional() });

/** gateway → control: `POST /internal/tokens/viewed {session, jti}` → `{"viewed": true}` while a socket of it is open anywhere. */
export const viewedSchema = z.object({ session: z.string(), jti: z.string() });
export const viewedAnswerSchema = z.object({ viewed: z.boolean() });
