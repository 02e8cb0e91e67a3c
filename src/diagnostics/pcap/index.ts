/** Captures: read behind a guard, decoded to TCP, reduced to facts. Malformed files end with a coded error. */
export { type CaptureFacts, readCapture } from './read.js';
export { type Segment, decodeSegment } from './decode.js';
export { RecordSplitter } from './records.js';
