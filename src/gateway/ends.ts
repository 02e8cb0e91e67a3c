/** Why an open socket ends: exactly one cause, one close code (spec section 5). Null: no close frame can be sent. */
export const ENDS = {
  viewer_closed: { code: null, by: 'viewer', reason: '' },
  viewer_lost: { code: null, by: 'viewer', reason: '' },
  upstream_closed: { code: 4502, by: 'runner', reason: 'the runner closed the stream' },
  upstream_lost: { code: 4504, by: 'runner', reason: 'the runner was lost' },
  idle: { code: 4408, by: 'gateway', reason: 'no data for too long' },
  slow_viewer: { code: 4413, by: 'gateway', reason: 'the viewer did not keep up' },
  session_ended: { code: 4410, by: 'control', reason: 'the session was released' },
  rights_revoked: { code: 4403, by: 'control', reason: 'the right to view was taken back' },
  draining: { code: 1012, by: 'gateway', reason: 'the gateway restarts' },
  protocol_error: { code: 1002, by: 'gateway', reason: 'protocol error' },
  internal: { code: 1011, by: 'gateway', reason: 'internal error' },
} as const satisfies Record<string, { code: number | null; by: string; reason: string }>;

export type EndCause = keyof typeof ENDS;
