/**
 * Long-lived children: start in a process group of their own, log to files (never pipes: a grandchild that keeps a pipe
 * open would keep us waiting), wait until they answer, stop gracefully then forced, and find leftovers by pid and start
 * time. It knows no service; it has no opinion on restarts.
 */
export {
  type ExitInfo,
  type ProcessSpec,
  type RunningProcess,
  type StopReport,
  startProcess,
  waitUntilReady,
} from './child.js';
export { type ProcessIdentity, identify, isSame, listGroup, stopGroup } from './identity.js';
export { findProgram } from './programs.js';
export { tailFile } from './tail.js';
