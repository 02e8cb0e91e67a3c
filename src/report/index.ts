/** Reports: their shape and their renderings (text, JUnit, HTML). They read results and write text, nothing else. */
export * from './shape.js';
export { DOCTOR_SCHEMA, type DoctorReport, renderDoctor } from './doctor.js';
export { renderHtml } from './html.js';
export { renderJUnit } from './junit.js';
export { type HoldProgress, renderProgress } from './progress.js';
export {
  SMOKE_SCHEMA,
  type SmokeRecord,
  type SmokeStep,
  type SmokeStepName,
  reasonOf,
  renderSmoke,
  renderSmokeMarkdown,
} from './smoke.js';
export { renderHopTable } from './text.js';
export { cut } from './width.js';
export { count, formatBytes, formatMs, printable } from './words.js';
