/** Packets recorded through our redactor: what could be secret never reaches the disk. */
export { PacketRedactor } from './redactor.js';
export { type CaptureOutcome, startCapture } from './tcpdump.js';
