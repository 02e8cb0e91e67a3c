import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execaSync } from 'execa';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { originOf, withoutUser } from '../../src/images/origin.ts';

describe('where a package comes from', () => {
  let folder: string;
  const git = (...args: readonly string[]): string =>
    execaSync('git', ['-C', folder, '-c', 'user.name=A', '-c', 'user.email=a@example.com', ...args]).stdout;
  const write = (manifest: object): void => writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'camofleet-origin-'));
    write({});
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const checkout = (): string => {
    git('init', '--quiet');
    git('add', 'package.json');
    git('commit', '--quiet', '--message', 'one');
    return git('rev-parse', 'HEAD');
  };

  test('is not known of an installed package that does not say it', async () => {
    expect(await originOf(folder)).toEqual({ revision: undefined, source: undefined });
  });

  test.each([
    ['a text', 'https://example.com/a'],
    ['an object', { type: 'git', url: 'https://example.com/a' }],
  ])('is what the package says in its repository, %s', async (_form, repository) => {
    write({ repository });
    expect(await originOf(folder)).toEqual({ revision: undefined, source: 'https://example.com/a' });
  });

  test('is the commit and the remote of a checkout, without a password', async () => {
    const revision = checkout();
    git('remote', 'add', 'origin', 'https://me:canary@example.com/a.git');
    expect(await originOf(folder)).toEqual({ revision, source: 'https://example.com/a.git' });
  });

  test('is not that commit alone when files differ from it', async () => {
    const revision = checkout();
    write({ changed: true });
    expect(await originOf(folder)).toEqual({ revision: `${revision}-dirty`, source: undefined });
  });

  test('is not the repository that a package was installed in', async () => {
    checkout();
    const installed = join(folder, 'node_modules', 'camofleet');
    mkdirSync(installed, { recursive: true });
    writeFileSync(join(installed, 'package.json'), '{}');
    expect(await originOf(installed)).toEqual({ revision: undefined, source: undefined });
  });
});

test.each([
  ['https://me:canary@example.com/a', 'https://example.com/a'],
  ['https://example.com/a@b', 'https://example.com/a@b'],
  ['git@example.com:a.git', 'git@example.com:a.git'],
  ['ssh://git@example.com/a.git', 'ssh://example.com/a.git'],
])('%s without its user is %s', (url, without) => expect(withoutUser(url)).toBe(without));
