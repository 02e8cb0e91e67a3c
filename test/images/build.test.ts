import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type BuildOptions, buildArguments, buildImage, copyBill } from '../../src/images/build.ts';

const CONTEXT = { packageRoot: '/opt/camofleet', version: '1.2.3', buildArgs: [], fresh: false };
const UNKNOWN = { revision: undefined, source: undefined };

describe('the command line of a build', () => {
  test('names the Dockerfile of the package, the target, the tag and the package as context', () => {
    expect(buildArguments('gateway', { ...CONTEXT, origin: UNKNOWN })).toEqual([
      'build',
      ...['--file', '/opt/camofleet/images/Dockerfile', '--target', 'gateway', '--tag', 'camofleet/gateway:1.2.3'],
      ...['--label', 'org.opencontainers.image.version=1.2.3', '/opt/camofleet'],
    ]);
  });

  test('labels what is known of the origin', () => {
    const origin = { revision: 'abc', source: 'https://example.com/camofleet' };
    expect(buildArguments('control', { ...CONTEXT, origin })).toEqual(
      expect.arrayContaining([
        'org.opencontainers.image.revision=abc',
        'org.opencontainers.image.source=https://example.com/camofleet',
      ]),
    );
  });

  test('passes arguments of the build on, and takes nothing from the cache when it is to be fresh', () => {
    const options = { ...CONTEXT, origin: UNKNOWN, buildArgs: ['NODE_IMAGE=node:x', 'BROWSERS=chromium'], fresh: true };
    expect(buildArguments('runner', options)).toEqual(
      expect.arrayContaining([
        '--build-arg',
        'NODE_IMAGE=node:x',
        '--build-arg',
        'BROWSERS=chromium',
        '--no-cache',
        '--pull',
      ]),
    );
  });
});

describe('a build', () => {
  let folder: string;
  const lines: string[] = [];
  const options = (path = folder): BuildOptions => ({
    ...CONTEXT,
    origin: UNKNOWN,
    env: { PATH: `${path}:/usr/bin:/bin` },
    onLine: (line) => lines.push(line),
  });
  const signal = (): AbortSignal => AbortSignal.timeout(10_000);
  /** A program in the place of docker. */
  const docker = (script: string): void => {
    writeFileSync(join(folder, 'docker'), `#!/bin/sh\necho "$@" >>${folder}/calls\n${script}\n`);
    chmodSync(join(folder, 'docker'), 0o755);
  };

  beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'camofleet-images-'))));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('gives the image that Docker made, and each line that the builder said', async () => {
    docker('case $1 in build) echo one; echo two >&2;; image) echo "sha256:f00 1500000";; esac');
    expect(await buildImage('gateway', options(), signal())).toEqual({
      service: 'gateway',
      name: 'camofleet/gateway:1.2.3',
      id: 'sha256:f00',
      bytes: 1_500_000,
    });
    expect(lines.toSorted()).toEqual(['one', 'two']);
  });

  test('that fails is an error that says how', async () => {
    docker('exit 17');
    await expect(buildImage('gateway', options(), signal())).rejects.toMatchObject({
      code: 'CF_IMAGE_BUILD',
      message: 'camofleet/gateway:1.2.3 was not built: docker build exited with code 17',
    });
  });

  test('needs docker', async () => {
    const env = { PATH: '/nowhere' };
    await expect(buildImage('gateway', { ...options(), env }, signal())).rejects.toMatchObject({
      code: 'CF_COMPONENT_MISSING',
    });
  });

  test('ends when it is told to', async () => {
    docker('exec sleep 60');
    const stop = AbortSignal.timeout(100);
    await expect(buildImage('gateway', options(), stop)).rejects.toMatchObject({ name: 'TimeoutError' });
  });

  test('leaves its bill of materials in a folder that is made, and no container', async () => {
    docker(`case $1 in create) echo c0ffee;; cp) echo '{}' >"$3";; esac`);
    writeFileSync(join(folder, 'calls'), '');
    const image = { service: 'runner', name: 'x', id: 'sha256:f00', bytes: 1 } as const;
    const file = await copyBill(image, join(folder, 'new', 'bills'), options(), signal());
    expect({ file, text: readFileSync(file, 'utf8') }).toEqual({
      file: join(folder, 'new', 'bills', 'runner.cdx.json'),
      text: '{}\n',
    });
    expect(readFileSync(join(folder, 'calls'), 'utf8').trim().split('\n')).toEqual([
      'create sha256:f00',
      `cp c0ffee:/app/sbom.cdx.json ${file}`,
      'rm c0ffee',
    ]);
  });
});
