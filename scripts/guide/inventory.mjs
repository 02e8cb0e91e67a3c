import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Folders that say nothing of themselves in an index.ts, each with one line. What is not there yet is left out. */
const PURPOSES = {
  '.ci': 'the gate, as CI runs it',
  '.github': 'the workflow of this repository',
  artifacts: 'runs of verify; ignored but for what is kept on purpose',
  'artifacts/novnc': 'a verified run, redacted: access log, gateway log, packets',
  bench: 'load against the gateway, websockify and HAProxy',
  bin: 'the command line starts here',
  charts: 'the Helm chart',
  ci: 'what other repositories include to run the smoke test',
  docs: 'for operators and for those who work on camofleet',
  'docs/adr': 'decisions that closed a door',
  'docs/codes': 'a page for each finding of verify; `camofleet explain` prints them',
  'docs/images': 'pictures of the documents',
  'docs/novnc': 'this guide',
  images: 'Dockerfiles, seccomp, health checks',
  scripts: 'what `npm run` runs',
  src: 'the sources',
  'src/commands': 'one file a command: flags in, one library call, data out',
  'src/processes': 'long-lived children: start, wait until ready, stop, recognise again',
  'src/ui': 'the two pages: viewer with noVNC, and fleet',
  templates: 'Compose and Traefik files with holes; `render` fills them',
  test: 'mirrors src, file by file',
  'test/cli': 'the built command line',
  'test/fixtures': 'captures and programs that tests read or run',
  'test/golden': 'what is rendered, byte for byte',
  'test/real': 'real Traefik, Xvfb, x11vnc, browsers, proxies',
  'test/support': 'what tests share',
  tools: 'Node 24, where the machine has an older one',
};
/** Folders below these are listed as well. */
const OPENED = ['src', 'docs', 'artifacts', 'test'];
const NOT_LISTED = /^test\/(?!cli|fixtures|golden|real|support)/;

/** repo-inventory.txt: the folders under version control, with what each is for. */
export function repositoryInventory(root) {
  const tracked = execFileSync('git', ['ls-files', '-z'], { cwd: root, encoding: 'utf8' }).split('\0');
  const folders = new Set(['docs/novnc']);
  for (const path of tracked.map((file) => file.split('/'))) {
    if (path.length > 1) folders.add(path[0]);
    if (path.length > 2 && OPENED.includes(path[0])) folders.add(path.slice(0, 2).join('/'));
  }
  const listed = [...folders].filter((folder) => !NOT_LISTED.test(folder)).sort();
  const lines = listed.map((folder) => {
    const depth = folder.split('/').length - 1;
    return `${`${'  '.repeat(depth)}${folder.slice(folder.lastIndexOf('/') + 1)}/`.padEnd(18)} ${purposeOf(root, folder)}`;
  });
  return `camofleet: the repository, folder by folder\n\n${lines.join('\n')}\n`;
}

/** From the table, or the first sentence of the folder's index.ts. */
function purposeOf(root, folder) {
  if (PURPOSES[folder]) return PURPOSES[folder];
  const index = join(root, folder, 'index.ts');
  const comment = existsSync(index) ? /^\/\*\*([\s\S]*?)\*\//.exec(readFileSync(index, 'utf8'))?.[1] : undefined;
  if (!comment) throw new Error(`scripts/guide/inventory.mjs has no line for ${folder}/`);
  const text = comment.replaceAll(/\s*\n\s*\*\s?/g, ' ').trim();
  const sentence = /^(.*?)\.(?:\s|$)/.exec(text)?.[1] ?? text;
  // A name keeps its capitals.
  return /^[A-Z][a-z]*\b/.test(sentence) ? sentence[0].toLowerCase() + sentence.slice(1) : sentence;
}
