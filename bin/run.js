#!/usr/bin/env node
import module from 'node:module';
import { fileURLToPath } from 'node:url';

const major = Number(process.versions.node.split('.')[0]);
if (major < 24) {
  process.stderr.write(
    `camofleet needs Node 24 or newer, this is ${process.versions.node}. In a checkout, \`npm run demo\` and \`npm test\` bring it along.\n`,
  );
  process.exit(3);
}
process.umask(0o077);
// Compiled code is kept beside what it was compiled from; where that cannot be written, nothing is kept. Not for the gateway:
// Node holds all of it in memory as well for as long as it runs, 3 MB for a start that is a tenth of a second shorter.
if (process.argv[2] !== 'gateway')
  module.enableCompileCache(fileURLToPath(new URL('../node_modules/.cache/compiled', import.meta.url)));
const require = module.createRequire(import.meta.url);
const { run } = require('@oclif/core/run');
try {
  // Without `flush`, which waits for ever for a reader that has left: Node writes what is left by itself.
  await run(process.argv.slice(2), import.meta.url);
} catch (error) {
  await require('@oclif/core/handle').handle(error);
}
