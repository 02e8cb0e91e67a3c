/** docs/novnc, the project's own guide: fresh, whole, and every link leads somewhere. */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { repositoryInventory } from '../../scripts/guide/inventory.mjs';
import { codeSnippets } from '../../scripts/guide/snippets.mjs';
import { GUIDE_FOLDER, composeSubject, renderGuide } from '../../src/guide/index.ts';
import { loadTopology } from '../../src/topology/index.ts';
import { PACKAGE_ROOT, packageTemplates } from '../topology/support/topology.ts';

const FOLDER = join(PACKAGE_ROOT, GUIDE_FOLDER);
const topology = await loadTopology(join(FOLDER, 'camofleet.yaml'));
const templates = await packageTemplates();
const pages = [
  ...renderGuide(composeSubject(topology, templates, true)),
  { path: `${GUIDE_FOLDER}/code-snippets.md`, text: codeSnippets(PACKAGE_ROOT) },
  { path: `${GUIDE_FOLDER}/repo-inventory.txt`, text: repositoryInventory(PACKAGE_ROOT) },
];

describe('docs/novnc', () => {
  test.each(pages)('$path is what `npm run guide` writes', ({ path, text }) => {
    expect(readFileSync(join(PACKAGE_ROOT, path), 'utf8'), 'stale: npm run guide').toBe(text);
  });

  test('holds those pages, the topology that they are about, and nothing else', () => {
    const names = [...pages.map(({ path }) => path.slice(GUIDE_FOLDER.length + 1)), 'camofleet.yaml'];
    expect(readdirSync(FOLDER).toSorted()).toEqual(names.toSorted());
  });

  const documents = [
    ...readdirSync(FOLDER).map((name) => join(FOLDER, name)),
    join(PACKAGE_ROOT, 'artifacts/novnc/README.md'),
  ];
  test.each(documents.filter((file) => file.endsWith('.md')))(
    'links of %s lead to files and headings that are there',
    (file) => {
      const links = [...readFileSync(file, 'utf8').matchAll(/\]\((?!https?:)([^)]+)\)/g)].map(([, link]) => link!);
      const broken = links.filter((link) => {
        const [path = '', heading] = link.split('#');
        const target = path === '' ? file : join(dirname(file), path);
        return !existsSync(target) || (heading !== undefined && !headingsOf(target).includes(heading));
      });
      expect(broken).toEqual([]);
    },
  );
});

/** The names of headings as GitHub makes them. */
function headingsOf(file: string): string[] {
  return [...readFileSync(file, 'utf8').matchAll(/^#+ (.*)$/gm)].map(([, title]) =>
    title!
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}
