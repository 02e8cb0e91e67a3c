/**
 * The container images of a fleet: built by Docker from the package that runs, be it installed or a checkout. It knows no
 * service and no topology; what is in an image says images/Dockerfile.
 */
export { type BuildOptions, type BuiltImage, buildImage, copyBill } from './build.js';
export { type Origin, originOf } from './origin.js';
