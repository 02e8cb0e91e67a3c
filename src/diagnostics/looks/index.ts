/** Second looks at a socket that was refused: planned and judged by pure functions; what makes them is a probe. */
export { type Attempt, judgeAttempts } from './again.js';
export { beyondTarget, looksAtIngress } from './ingress.js';
export { type Refuser, type Seen, refuserOf } from './judge.js';
export { type Look, looksFor } from './plan.js';
