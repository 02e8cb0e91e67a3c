/**
 * Asks a service of ours, from beside it, whether it is well: the health check of its container. It knows where each
 * service answers, and nothing of how it works.
 */
export { lookAt } from './look.js';
