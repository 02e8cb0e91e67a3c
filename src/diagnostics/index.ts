/**
 * Verify: plan, probe, judge. It looks from outside and imports no service; only probes, captures and collectors do IO,
 * and what they saw is judged by pure functions.
 */
export { CODES, type Code, type CodeEntry } from './codes.js';
export { type FirstFrame, frameThroughFleet } from './first-frame.js';
export { MODES, type Mode } from './subjects.js';
export { type VerifyDeps, type VerifyObserver, type VerifyOptions, verify } from './verify.js';
