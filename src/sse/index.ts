/**
 * Server-sent events (WHATWG HTML): a bounded history that many followers resume from, the parser without IO, and a
 * client that follows a stream for ever. It knows no event of ours.
 */
export { EventHistory } from './history.js';
export { followEvents } from './follow.js';
export { serveEvents } from './serve.js';
