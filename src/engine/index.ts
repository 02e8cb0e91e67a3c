/**
 * Engines run a fleet: start, watch, stop. The local one supervises services as processes, others hand them to a system of
 * containers. None imports a service: what it starts is the same command line everywhere.
 */
export { createFleet } from './create.js';
export { type FileChange, compareFiles, ejectTemplates, readIfThere, writeFiles } from './files.js';
export { ensureState } from './state.js';
export {
  EXPIRES_SOON_DAYS,
  readCertificate,
  renewCertificate,
} from './certificates.js';
export { bindProblem, checkPorts } from './local/ports.js';
export { type Supervisor, startSupervisor } from './local/supervisor.js';
export { UPGRADE_SIGNAL } from './local/upgrade.js';
export { type BackgroundMessage } from './local/background.js';
export { type Step } from './steps.js';
export {
  type Engine,
  type FleetStatus,
  type Replaced,
  type ServiceStatus,
} from './engine.js';
export { lastEngine, noteEngine, openEngine } from './open.js';
