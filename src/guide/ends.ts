/** How an open socket ends, as a viewer sees it: the close codes of the gateway, with what they mean to a person. */
export const CLOSE_CODES: readonly (readonly [code: number, cause: string, meaning: string])[] = [
  [
    1002,
    'protocol_error',
    'One side does not speak WebSocket or RFB. The gateway let go. A reload of Caddy looks like this.',
  ],
  [1011, 'internal', 'A fault of the gateway; its log has the reason.'],
  [1012, 'draining', 'The gateway is being replaced. Connect again at once: another one is there.'],
  [4403, 'rights_revoked', 'The right to watch was taken back.'],
  [4408, 'idle', 'Pings are off, and no byte passed for too long.'],
  [4410, 'session_ended', 'The session was released. Nothing is left to connect to.'],
  [4413, 'slow_viewer', 'The viewer did not take its bytes in time: a slow line, or a sleeping tab.'],
  [4502, 'upstream_closed', 'x11vnc closed the stream.'],
  [4504, 'upstream_lost', 'The connection to x11vnc was reset or fell silent.'],
];
