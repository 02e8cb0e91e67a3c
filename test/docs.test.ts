import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, test } from 'vitest';
import { LIMITS } from '../src/diagnostics/budget.ts';
import { CODES } from '../src/diagnostics/codes.ts';

const ROOT = join(import.meta.dirname, '..');
const PAGES = join(ROOT, 'docs', 'codes');
const SECTIONS = ['What it is', 'How we know', 'What it is not', 'How to cure it'];

function below(folder: string, ending: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith(ending))
    .map((file) => join(ROOT, folder, file));
}

describe('the page of a code', () => {
  test('is there for every code, and for nothing else', () => {
    const pages = readdirSync(PAGES).map((file) => file.replace(/\.md$/, ''));
    expect(pages.toSorted()).toEqual(Object.keys(CODES).toSorted());
  });

  test.each(Object.entries(CODES))('%s: title and the four sections, none of them empty', (code, { title }) => {
    const page = readFileSync(join(PAGES, `${code}.md`), 'utf8');
    const [head, ...sections] = page.split(/^## /m);
    expect(head).toBe(`# ${code}\n\n${title[0]!.toUpperCase()}${title.slice(1)}.\n\n`);
    expect(sections.map((section) => section.split('\n')[0])).toEqual(SECTIONS);
    for (const section of sections) expect(section.split('\n').slice(1).join('').trim().length).toBeGreaterThan(10);
    expect(sections[3]).toMatch(/\n- /);
  });
});

describe('a code', () => {
  const sources = below('src/diagnostics', '.ts')
    .filter((file) => !file.endsWith('codes.ts'))
    .map((file) => readFileSync(file, 'utf8'))
    .join('\n');

  test.each(Object.keys(CODES))('%s can be the code of a finding', (code) => {
    expect(sources).toContain(`'${code}'`);
  });

  test.each(Object.entries(CODES))('%s names one remedy, and says nothing that depends on the run', (_code, entry) => {
    expect(entry.remedy.length).toBeGreaterThan(10);
    for (const text of [entry.title, entry.want, entry.remedy, ...entry.not]) expect(text).not.toMatch(/\.$|lived on/);
  });
});

describe('docs/verify.md', () => {
  const text = readFileSync(join(ROOT, 'docs', 'verify.md'), 'utf8');

  test.each(Object.entries(LIMITS))('tells the limit %s as the code does', (name, meaning) => {
    expect(text).toMatch(new RegExp(`^${name}: \\d+ +# `, 'm'));
    expect(text).toContain(`# ${meaning}\n`);
  });
});

describe('links between documents', () => {
  const documents = [...below('docs', '.md'), ...['README.md', 'CONTRIBUTING.md'].map((file) => join(ROOT, file))];

  test.each(documents.map((file) => relative(ROOT, file)))('%s leads nowhere but to what is there', (name) => {
    const file = join(ROOT, name);
    const links = [...readFileSync(file, 'utf8').matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(([, link]) => link!);
    const broken = links.filter((link) => !existsSync(join(dirname(file), link)));
    expect(broken).toEqual([]);
  });
});
