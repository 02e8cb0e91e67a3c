/** A throw-away certificate authority and a leaf for one fleet; it is never installed in a system store. */
export { ensurePki } from './ensure.js';
export { type Pki } from './files.js';
