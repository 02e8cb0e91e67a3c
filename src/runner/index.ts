/**
 * The runner: owns sessions (one slot, Xvfb, x11vnc and a browser, or a test card) and tells the truth about them over
 * its API. It never imports another service and knows no gateway.
 */
export { RUNNER_CHANNELS } from './events.js';
export { startRunner } from './server.js';
export { sweepState } from './state-folder.js';
