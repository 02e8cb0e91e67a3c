/** Types, lint, unused code, format, the traffic guide, and the architecture test. All run; the exit code is 1 when one of them failed. */
import { join } from 'node:path';
import { packageBin, prepare, root, run, say } from './environment.mjs';

const node = prepare();
const tsc = packageBin('typescript', 'bin/tsc');
const steps = [
  ['types of the sources and tests', [tsc, '-p', 'test/tsconfig.json']],
  ['types of the pages', [tsc, '-p', 'src/ui/tsconfig.json']],
  ['lint', [packageBin('oxlint', 'bin/oxlint'), '--type-aware', '--deny-warnings']],
  ['format', [packageBin('@biomejs/biome', 'bin/biome'), 'format', '.']],
  ['unused code', [packageBin('knip', 'bin/knip.js')]],
  ['the traffic guide', [join(root, 'scripts', 'guide.mjs'), '--check']],
  [
    'architecture',
    [packageBin('vitest', 'vitest.mjs'), 'run', '--project', 'unit', 'test/architecture.test.ts', '--reporter', 'dot'],
  ],
];
const failed = steps.filter(([name, args]) => {
  say(`check   ${name}`);
  return run(node, args) !== 0;
});
for (const [name] of failed) say(`failed  ${name}`);
process.exitCode = failed.length > 0 ? 1 : 0;
