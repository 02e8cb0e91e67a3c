/**
 * The gateway: a token in, a picture out. It resolves who may see what, opens the RFB side before it answers 101, relays
 * with bounds in both directions, and ends every socket with one cause. It keeps no registry and never imports a service.
 */
export { GATEWAY_CHANNELS, warmedUp } from './events.js';
export { type Gateway, startGateway } from './server.js';
export { warmUp } from './warm-up/index.js';
export { runWorker, startWorkers } from './workers/index.js';
