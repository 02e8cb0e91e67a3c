/** Every refusal before the upgrade, by code (spec section 5). `viewer_left` is for the log alone: nobody hears it. */
export const REFUSALS = {
  request_malformed: {
    status: 400,
    detail: 'the request is in a version that is not spoken here, or says one thing twice',
  },
  id_missing: { status: 400, detail: 'the token or id is missing' },
  id_malformed: { status: 400, detail: 'the token or id has characters that none has' },
  subprotocol_refused: { status: 400, detail: 'the subprotocol is `binary`, or none is offered' },
  token_invalid: { status: 401, detail: 'the token cannot be opened here: it was altered, or made with another key' },
  token_expired: { status: 401, detail: 'the token has expired: open the session again from the fleet page' },
  token_foreign: { status: 401, detail: 'the token was made for another fleet' },
  origin_refused: { status: 403, detail: 'pages of this origin may not open sockets here' },
  rights_revoked: { status: 403, detail: 'the right to view was taken back' },
  target_refused: { status: 403, detail: 'the token leads to a target that this gateway may not dial' },
  unknown_id: { status: 404, detail: 'there is no such id' },
  not_found: { status: 404, detail: 'there is no such path' },
  method_refused: { status: 405, detail: 'this path takes other methods' },
  body_refused: { status: 413, detail: 'no request here has a body that long' },
  session_ended: { status: 410, detail: 'the session has ended' },
  token_used: { status: 410, detail: 'the token was good for one use, and was used' },
  upgrade_required: { status: 426, detail: 'this path exists as a WebSocket only' },
  too_many_failures: { status: 429, detail: 'too many failed attempts from this address' },
  viewer_left: { status: 499, detail: 'the viewer left before it was answered' },
  internal: { status: 500, detail: 'the gateway failed; its log has the reason' },
  runner_refused: { status: 502, detail: 'the runner refused the connection' },
  runner_reset: { status: 502, detail: 'the runner ended the connection before the picture' },
  runner_not_rfb: { status: 502, detail: 'what answers at the target does not speak RFB' },
  runner_auth: { status: 502, detail: 'the runner refused the password of this id' },
  runner_unreachable: { status: 502, detail: 'the runner cannot be reached' },
  at_capacity: { status: 503, detail: 'all places are taken' },
  draining: { status: 503, detail: 'the gateway is stopping' },
  control_unreachable: { status: 503, detail: 'the control plane cannot be asked, and this token needs it' },
  runner_timeout: { status: 504, detail: 'the runner did not answer in time' },
  greeting_timeout: {
    status: 504,
    detail: 'the runner accepted the connection and did not finish the RFB opening in time',
  },
} as const satisfies Record<string, { status: number; detail: string }>;

export type RefusalCode = keyof typeof REFUSALS;

/** Codes that say something of the caller: they count as failed attempts of an address. */
export const CALLERS_FAULT: ReadonlySet<RefusalCode> = new Set([
  'id_missing',
  'id_malformed',
  'token_invalid',
  'token_expired',
  'token_foreign',
  'origin_refused',
  'rights_revoked',
  'target_refused',
  'unknown_id',
  'session_ended',
  'token_used',
]);
