/**
 * The container images of a fleet: built by Docker from the package that runs, be it installed or a checkout. It knows no
 * service and no topology; what is in an image says images/Dockerfile.
 */
export { buildImage, copyBill } from './build.js';
export { originOf } from './origin.js';
