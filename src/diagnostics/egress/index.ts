/** Whether a site can be reached from where the RFB server, and so the remote browser, lives: by TCP, and by UDP for QUIC. */
export { findingsOfEgress } from './judge.js';
export { type EgressSight, lookOut } from './probe.js';
