/** `npm run bench`: the gateway beside others; docs/performance.md says what is measured. */
import { join } from 'node:path';
import { prepare, root, run } from './environment.mjs';

const node = prepare();
process.exitCode = run(node, [join(root, 'bench', 'main.mjs'), ...process.argv.slice(2)]);
