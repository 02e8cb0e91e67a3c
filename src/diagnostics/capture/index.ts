/**
 * Packets recorded through our redactor: what could be secret never reaches the disk. It knows TCP, HTTP/1, WebSocket and
 * the opening of RFB, and keeps nothing that it does not know.
 */
export { captureFile, namespacesOf, parsePlaces, placeText } from './place.js';
export { PacketRedactor } from './redactor.js';
export { type CaptureOutcome, startCapture } from './tcpdump.js';
