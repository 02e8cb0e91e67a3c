/** The host before a fleet is started on it: checks as data, what they look at passed in, what they make of it pure. */
export { type DoctorEngine } from './context.js';
export { doctor } from './doctor.js';
export { thisHost } from './host-io.js';
