/** Long holds: planned by a pure function, run by the only part that does IO, judged by a pure function. */
export { type PacketFact, judge } from './judge.js';
export { planHold } from './plan.js';
export { type HeldStream, type HoldProgress, runHold } from './run.js';
