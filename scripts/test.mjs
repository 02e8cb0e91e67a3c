import { packageBin, prepare, run } from './environment.mjs';

const node = prepare();
process.exitCode = run(node, [packageBin('vitest', 'vitest.mjs'), 'run', ...process.argv.slice(2)]);
