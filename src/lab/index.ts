/**
 * The fault lab: paths of a picture that are broken on purpose, on real parts, and the answers that verify is judged by.
 * It starts the built command line as a child like every other part; it knows nothing of how verify finds out.
 */
export { type LabDeps, runLab } from './run.js';
