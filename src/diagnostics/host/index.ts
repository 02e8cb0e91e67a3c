/**
 * The RFB server as the machine it runs on and its own log tell of it: who listens where, who holds the port, what it may
 * open, what it last said. What cannot be seen is undefined and blames nobody.
 */
export { reapedAt } from './reaped.js';
export { findingsOfScreen } from './screen.js';
export { SMALL_SHM_BYTES, type ShmSight, shmBeside } from './shm.js';
export { settled } from './settle.js';
export type { OwnerSight } from './machine.js';
export { LATE_MS, type ServerSight, isLate, ownerAt, sightOf } from './sight.js';
export { descriptorsIn, refusalAt, wordsOf } from './words.js';
