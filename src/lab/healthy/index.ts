/** Paths on which nothing is broken, varied in every hop: verify must say so, each time. */
export { type HealthyRow, healthOf, lookAtHealthy } from './run.js';
export { setUps } from './set-up.js';
