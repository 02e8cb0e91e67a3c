/**
 * RFB 3.3, 3.7 and 3.8 (RFC 6143): bytes in, events out. No sockets, no clocks, no logging, and malformed bytes from a
 * peer are an event, never an exception. The same parsers eat a live stream and a capture.
 */
export { type ClientHandshakeEvent, ClientHandshake } from './client-handshake.js';
export { SECURITY_NAMES, SECURITY_NONE } from './security-types.js';
export { printable } from './printable.js';
export { type ServerHandshakeEvent, type ServerSecurity, ServerHandshake } from './server-handshake.js';
export {
  type PixelFormat,
  type ServerInit,
  TRUE_COLOUR_32,
  encodePixelFormat,
  encodeServerInit,
} from './server-init.js';
export { answerChallenge } from './vnc-auth.js';
export {
  type ClientMessage,
  type ClientMessageEvent,
  ClientMessageParser,
  encodeSetEncodings,
  encodeUpdateRequest,
} from './client-messages.js';
export { ClientSession } from './client-session.js';
export { Framebuffer } from './framebuffer.js';
