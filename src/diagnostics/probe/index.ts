/** Measured single actions: one dial, seen stage by stage, that may live on as a stream. They judge nothing. */
export { answersByItself } from './alive.js';
export { type DialOptions, type DialTarget, type Dialled, dial, dialAnyLine } from './dial.js';
export type { DialFacts, StreamEnd } from './facts.js';
export { askHealth } from './health.js';
export { type Http2Facts, lookByHttp2 } from './http2.js';
export { type SocketTarget, look } from './look.js';
export { fetchPage } from './page.js';
export { openUpgraded } from './upgraded.js';
export { Stream } from './stream.js';
