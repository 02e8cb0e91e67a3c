#!/usr/bin/env node
const major = Number(process.versions.node.split('.')[0]);
if (major < 24) {
  process.stderr.write(
    `camofleet needs Node 24 or newer, this is ${process.versions.node}. In a checkout, \`npm run demo\` and \`npm test\` bring it along.\n`,
  );
  process.exit(3);
}
process.umask(0o077);
const { execute } = await import('@oclif/core');
await execute({ dir: import.meta.url });
