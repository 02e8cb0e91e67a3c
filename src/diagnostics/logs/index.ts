/** Lines of the services' logs, parsed; a line that is none is skipped. Pure. */
export { type AccessLine, type ServiceLine, parseAccessLog, parseServiceLog } from './parse.js';
