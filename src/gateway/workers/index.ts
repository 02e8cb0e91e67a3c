/** Several processes that share one port: a primary that counts, and workers that serve. They know no way to start one. */
export { startWorkers } from './primary.js';
export { runWorker } from './worker.js';
