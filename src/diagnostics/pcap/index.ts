/**
 * Captures: classic files and pcapng, read behind a guard in constant memory, decoded to TCP, reduced to facts about
 * flows. It judges nothing; malformed bytes are data, with the number of the packet.
 */
export { type CaptureFacts, readCapture } from './read.js';
export { inRings } from './ring.js';
export { EndpointNames, type Segment, decodeSegment } from './decode.js';
export type { TcpFlow } from './flows.js';
export type { FlowSide } from './segments.js';
export { type Packet, encodeFileHeader, encodeRecords } from './packet.js';
export { PacketSplitter } from './splitter.js';
