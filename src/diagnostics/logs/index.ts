/** Logs: what they have gained, line by line, and what the lines say. Parsers are pure; a line that is none is skipped. */
export { type AccessLine, parseAccessLog } from './access.js';
export { type EdgeLine, parseEdgeLog } from './edge.js';
export { linesWith, readLogSince, sizeOf } from './lines.js';
export { type LogMark, markLog, partsSince } from './mark.js';
export { type IngressError, parseIngressErrors } from './ingress-errors.js';
export { type OwnRequest, ownLine } from './own-line.js';
export { type ServiceLine, parseServiceLog } from './parse.js';
