/**
 * Writes oclif.manifest.json from the compiled commands: with it, `camofleet --help` loads none of them. Run by the build
 * under the Node that runs the commands.
 */
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Plugin } from '@oclif/core/config';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const plugin = new Plugin({ errorOnManifestCreate: true, ignoreManifest: true, root, type: 'core' });
await plugin.load();
writeFileSync(join(root, 'oclif.manifest.json'), `${JSON.stringify(plugin.manifest, null, 2)}\n`);
