/** Wire shapes between our services, the page and verify, with their parsers. No IO, no service. */
export * from './sessions.js';
export * from './events.js';
export * from './problem.js';
