/**
 * Trials: what a path does with something that a healthy one takes, and some do not: a viewer that leaves without a word,
 * pictures of several sizes, compression that was agreed on. Each is made when somebody asks; it judges nothing.
 */
export { type Trials, openTrials } from './open.js';
export { wall } from './sizes.js';
