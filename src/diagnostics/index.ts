/**
 * Verify: plan, probe, judge. It looks from outside and imports no service; only probes, captures and collectors do IO,
 * and what they saw is judged by pure functions.
 */
export { parseBudget } from './budget.js';
export { CODES } from './codes.js';
export { type DoctorEngine, doctor, thisHost } from './doctor/index.js';
export { waitForFrame } from './first-frame.js';
export { MODES } from './subjects/index.js';
export type { FleetEvidence, VerifyDeps, VerifyObserver, VerifyOptions } from './options.js';
export { verify } from './verify.js';
