import { chmodSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type CliFolder, cliFolder } from '../support/folder.ts';

const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '..', '..', 'package.json'), 'utf8')) as {
  version: string;
};
const BUILD = ['images', 'build'];

/** A folder with a program in the place of docker, which notes how it was called. */
function folderWithDocker(
  script: string,
): CliFolder & { readonly env: Readonly<Record<string, string>>; readonly calls: () => string[] } {
  const folder = cliFolder();
  const bin = join(folder.dir, 'bin');
  mkdirSync(bin);
  folder.write('bin/docker', `#!/bin/sh\necho "$@" >>"${folder.dir}/calls"\n${script}\n`);
  chmodSync(join(bin, 'docker'), 0o755);
  const calls = (): string[] => folder.read('calls').trim().split('\n');
  return { ...folder, [Symbol.dispose]: () => folder[Symbol.dispose](), env: { PATH: `${bin}:/usr/bin:/bin` }, calls };
}

const WELL = `case $1 in
  build) echo "Step 1/9";;
  image) echo "sha256:f00 157000000";;
  create) echo c0ffee;;
  cp) echo '{}' >"$3";;
esac`;

describe.concurrent('images build', () => {
  test('builds all images, names them on stdout, and gives the words of the builder to stderr', async () => {
    using folder = folderWithDocker(WELL);
    const { exitCode, stdout, stderr } = await folder.cli(BUILD, folder.env);
    const names = ['gateway', 'control', 'runner', 'capture'].map((service) => `camofleet/${service}:${version}`);
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: names.join('\n') });
    expect(stderr).toContain('Step 1/9');
    expect(stderr).toContain(`${names[0]}: 157 MB`);
  });

  test('builds those that are named, with their bills, and tells of them as JSON', async () => {
    using folder = folderWithDocker(WELL);
    const { exitCode, stdout } = await folder.cli([...BUILD, 'control', '--sbom', 'bills', '--json'], folder.env);
    expect({ exitCode, answer: JSON.parse(stdout) as unknown }).toEqual({
      exitCode: 0,
      answer: {
        images: [
          {
            service: 'control',
            name: `camofleet/control:${version}`,
            id: 'sha256:f00',
            bytes: 157_000_000,
            sbom: 'bills/control.cdx.json',
          },
        ],
      },
    });
    expect(folder.read('bills/control.cdx.json')).toBe('{}\n');
    expect(folder.calls().filter((call) => call.startsWith('build'))).toHaveLength(1);
  });

  test('that fails exits 3, with what the builder said', async () => {
    using folder = folderWithDocker('echo "no space left"; exit 1');
    const { exitCode, stdout, stderr } = await folder.cli([...BUILD, 'gateway', '--json'], folder.env);
    expect(exitCode).toBe(3);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'CF_IMAGE_BUILD' } });
    expect(stderr).toContain('no space left');
  });

  test.each([
    [['gateway', 'nginx'], 'there are images of gateway, control, runner, capture, not of "nginx"'],
    [['--build-arg', 'NAME'], 'NAME=VALUE'],
  ])('%j exits 2', async (args, message) => {
    using folder = folderWithDocker(WELL);
    const { exitCode, stderr } = await folder.cli([...BUILD, ...args], folder.env);
    expect({ exitCode, stderr }).toEqual({ exitCode: 2, stderr: expect.stringContaining(message) as string });
  });
});
