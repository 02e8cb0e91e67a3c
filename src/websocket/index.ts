/**
 * WebSocket frames (RFC 6455), the client's side: bytes in, events out. No sockets, no clocks; what a browser would
 * reject is an event with the reason.
 */
export { FrameParser } from './parser.js';
export { acceptFor, encodeFrame, newKey } from './encode.js';
export { OPCODE } from './opcodes.js';
