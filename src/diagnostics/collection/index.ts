/** What a run collects beside its own dials: logs since it began, and packets. It judges nothing. */
export { type CollectedLogs, collectLogs, logSources } from './logs.js';
export { type Packets, collectPackets, startPackets } from './packets.js';
