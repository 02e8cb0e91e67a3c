/**
 * Engines run a fleet: start, watch, stop. The local one supervises services as processes. It never imports a service:
 * what it starts is the same command line that containers run.
 */
export { type CreateOptions, type Created, createFleet } from './create.js';
export { type StateReport, ensureState } from './state.js';
export { ENGINE_CHANNELS } from './local/events.js';
export { type Supervisor, type SupervisorDeps, startSupervisor } from './local/supervisor.js';
export { type FleetRecord, type ServiceRecord, readRecord, runningRecord } from './local/record.js';
export { type DownReport, takeDown } from './local/down.js';
export { type LogLine, followLogs } from './logs.js';
