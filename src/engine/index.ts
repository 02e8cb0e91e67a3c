/**
 * Engines run a fleet: start, watch, stop. The local one supervises services as processes. It never imports a service:
 * what it starts is the same command line that containers run.
 */
export { createFleet } from './create.js';
export { type FileChange, compareFiles, ejectTemplates, writeFiles } from './files.js';
export { ensureState } from './state.js';
export { type Supervisor, startSupervisor } from './local/supervisor.js';
export { type BackgroundMessage, startInBackground } from './local/background.js';
export { type Step } from './local/steps.js';
export { type FleetStatus, fleetStatus } from './local/status.js';
export { takeDown } from './local/down.js';
export { followLogs } from './logs.js';
