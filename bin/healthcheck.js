#!/usr/bin/env node
// usage: healthcheck.js gateway|control|runner
// The health check of a container: it starts in a third of the time that the whole command line takes.
import { lookAt } from '../dist/health/index.js';

/** Below the timeout that the image gives its health check. */
const TIMEOUT_MS = 4_000;

const [service] = process.argv.slice(2);
if (['gateway', 'control', 'runner'].includes(service)) {
  const { isWell, words } = await lookAt(service, process.env, TIMEOUT_MS);
  process.stdout.write(`${words}\n`);
  process.exitCode = isWell ? 0 : 1;
} else {
  process.stderr.write('usage: healthcheck.js gateway|control|runner\n');
  process.exitCode = 2;
}
