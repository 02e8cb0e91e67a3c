/** What commands share: the base command (signals, errors, --json) and the context of the process. The only place beside src/commands and bin that touches process.*. */
export { asWorker, spawnWorker } from './workers.js';
export { CamofleetCommand } from './base-command.js';
export { serveUntilStopped } from './service.js';
export { type Progress, progressLine, startProgress } from './progress.js';
export { engineFlag, fleetFlags, fleetLocation } from './fleet.js';
export { table } from './table.js';
export { type CiTalk, ciTalk } from './ci.js';
export { type VerifyTalk, verifyTalk } from './verify-talk.js';
export {
  certificates,
  choices,
  durationMs,
  fileText,
  header,
  healthUrl,
  hostPort,
  pageUrl,
  resolution,
  socketUrl,
} from './flag-values.js';
