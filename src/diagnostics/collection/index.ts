/** What a run collects beside its own dials: logs since it began, and packets. It judges nothing. */
export { awaitAccessLine } from './access-line.js';
export { type CollectedLogs, type GivenLogs, collectLogs, logSources } from './logs.js';
export { ownSockets } from './own-sockets.js';
export { type Packets, collectPackets, portsOfPath, startPackets } from './packets.js';
