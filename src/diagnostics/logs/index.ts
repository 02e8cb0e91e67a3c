/** Logs: what they have gained, line by line, and what the lines say. Parsers are pure; a line that is none is skipped. */
export { type AccessLine, parseAccessLog } from './access.js';
export { type LogLine, readLogSince } from './lines.js';
export { type ServiceLine, parseServiceLog } from './parse.js';
