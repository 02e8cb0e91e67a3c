/** `npm run camofleet -- …`: the command line of this checkout, on a Node that it runs on. */
import { join } from 'node:path';
import { prepare, root, run } from './environment.mjs';

const node = prepare();
process.exitCode = run(node, [join(root, 'bin', 'run.js'), ...process.argv.slice(2)], {
  cwd: process.env.INIT_CWD ?? root,
});
