/** A run's own folder: what was collected, redacted on its way in, with its sums. It judges nothing. */
export { type Run, openRun, runId } from './run.js';
