/**
 * A smoke test: a fleet is started from nothing, its picture is seen, it is verified, its evidence is kept in one folder and
 * all of it is taken down again, whatever happens. It drives engines and `verify`, and knows no service and no CI system.
 */
export { type SmokeObserver, smoke } from './smoke.js';
