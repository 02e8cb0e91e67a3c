/** What a run comes to: verdict, exit code, one sentence, the hops, the streams. Pure; it reads facts and writes nothing. */
export { draftReport } from './draft.js';
export { exitCodeOf } from './exit-code.js';
export { streamReport } from './streams.js';
