/** A throw-away certificate authority and a leaf for one fleet; it is never installed in a system store. */
export { type Pki, ensurePki } from './authority.js';
