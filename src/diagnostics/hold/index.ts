/** Long holds: planned by a pure function, run by the only part that does IO, judged by a pure function. */
export { cutTimesOf } from './cut-times.js';
export { judge } from './judge.js';
export type { JudgedStream, PacketFact } from './judged.js';
export { planHold } from './plan.js';
export { type HeldStream, type HoldResult, runHold } from './run.js';
