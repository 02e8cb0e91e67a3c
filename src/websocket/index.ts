/**
 * WebSocket frames (RFC 6455), both sides: bytes in, events out. No sockets, no clocks; what the other side would fail
 * the connection for is an event with the reason.
 */
export { FrameParser } from './parser.js';
export { type ViewerEvent, ViewerFrames } from './viewer-frames.js';
export {
  MAX_SERVER_HEADER,
  acceptFor,
  encodeClose,
  encodeFrame,
  encodeServerFrame,
  newKey,
  writeServerHeader,
} from './encode.js';
export { OPCODE } from './opcodes.js';
export { type Unmask, unmaskMemory } from './unmask.js';
