/**
 * The control plane: knows the runners, publishes their sessions with public URLs and tokens, and tells gateways what
 * ended. The truth about a session is the runner's; what is kept here has an age.
 */
export { CONTROL_CHANNELS } from './events.js';
export { type Control, startControl } from './server.js';
