/**
 * The fault lab: paths of a picture that are broken on purpose, on real parts, and the answers that verify is judged by.
 * It starts the built command line as a child like every other part; it knows nothing of how verify finds out.
 */
export { type Entry, catalogue, pick } from './catalogue.js';
export { healthOf, type HealthyRow, lookAtHealthy, setUps } from './healthy/index.js';
export { look } from './look.js';
export { scoreEntry } from './run.js';
export { type Row, judged, scoreOf } from './score.js';
