/**
 * The project's own traffic guide, docs/novnc: `npm run guide` writes it, `npm run guide -- --check` says what is stale
 * (exit code 1). What an operator's `camofleet render --guide` writes, for the topology in docs/novnc/camofleet.yaml, and
 * two pages about the code itself.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { prepare, root, say } from './environment.mjs';
import { codeSnippets } from './guide/snippets.mjs';
import { repositoryInventory } from './guide/inventory.mjs';

prepare();
const { GUIDE_FOLDER, composeSubject, renderGuide } = await import('../dist/guide/index.js');
const { loadTemplates, loadTopology } = await import('../dist/topology/index.js');

const topology = await loadTopology(join(root, GUIDE_FOLDER, 'camofleet.yaml'));
const templates = await loadTemplates(root, join(root, GUIDE_FOLDER, 'templates'));
const files = [
  ...renderGuide(composeSubject(topology, templates, true)),
  { path: `${GUIDE_FOLDER}/code-snippets.md`, text: codeSnippets(root) },
  { path: `${GUIDE_FOLDER}/repo-inventory.txt`, text: repositoryInventory(root) },
];

const stale = files.filter(({ path, text }) => textOf(path) !== text);
if (process.argv.includes('--check')) {
  for (const { path } of stale) say(`stale  ${path}`);
  if (stale.length > 0) say('  → npm run guide');
  process.exitCode = stale.length > 0 ? 1 : 0;
} else
  for (const { path, text } of stale) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
    process.stdout.write(`${path}\n`);
  }

function textOf(path) {
  try {
    return readFileSync(join(root, path), 'utf8');
  } catch {
    return undefined; // not written yet
  }
}
