/**
 * What the machine that verify runs on says at the moment of a failure: sockets as the kernel has them, what its counters
 * have gained, which processes of the path live, stand still or have gone, what containers do. It judges nothing.
 */
export { openMoment } from './moment.js';
