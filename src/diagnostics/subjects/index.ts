/** What a run looks at: sessions of a fleet, or what flags name. It makes, keeps and removes sessions; it dials nothing. */
export { prepareFleet } from './fleet.js';
export { prepareGiven } from './given.js';
export {
  MODES,
  type Front,
  type Mode,
  type Prepared,
  type Problem,
  type Subject,
  type Vantage,
  VANTAGES,
  frontOf,
} from './subject.js';
