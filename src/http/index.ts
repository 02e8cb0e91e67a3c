/** What our HTTP servers share: problem documents, keys as bearers, certificates that are read again, and clean ends. It knows no route. */
export { loadCertificate } from './certificate.js';
export { corsHeaders, isPreflight } from './cors.js';
export { bearerMatches, readKeyFile } from './keys.js';
export { problemOf, sendProblem } from './problems.js';
export { closeListener, closeServer, listen } from './listen.js';
