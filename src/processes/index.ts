/**
 * Long-lived children: start in a process group of their own, log to files (never pipes: a grandchild that keeps a pipe
 * open would keep us waiting), wait until they answer, stop gracefully then forced, and find leftovers by pid and start
 * time. It knows no service; it has no opinion on restarts.
 */
export {
  type ProcessSpec,
  type RunningProcess,
  startProcess,
  waitUntilReady,
} from './child.js';
export { type ProcessIdentity, identify, isSame, isStopped } from './identity.js';
export { stopGroup, stopProcess } from './stop.js';
export { findProgram } from './programs.js';
export { tailFile } from './tail.js';
