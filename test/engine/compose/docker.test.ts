import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openDocker } from '../../../src/engine/compose/docker.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'camofleet-docker-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

/** A program of that name, in shell. */
function program(name: string, script: string): void {
  const file = join(dir, name);
  writeFileSync(file, `#!/bin/sh\n${script}\n`);
  chmodSync(file, 0o755);
}

const open = () => openDocker(dir, { PATH: dir });
/** A daemon that answers, and a plug-in of this version; with none, Docker knows no `compose`. */
const docker = (compose?: string): string =>
  `case "$1 $2" in
  "version --format") echo 28.0.0 ;;
  "compose version") ${compose === undefined ? 'echo "docker: unknown command" >&2; exit 1' : `echo ${compose}`} ;;
  "compose ps") echo plug-in ;;
  *) echo "seen: $*"; echo "first" >&2; echo "Error: no such thing" >&2; exit 3 ;;
esac`;

describe('Docker', () => {
  test('that is not installed is named', async () => {
    await expect(open()).rejects.toMatchObject({ code: 'CF_COMPONENT_MISSING', message: /docker is not on PATH/ });
  });

  test('whose daemon does not answer is told with its own words', async () => {
    program('docker', 'echo "permission denied while trying to connect to the Docker daemon socket" >&2; exit 1');
    await expect(open()).rejects.toMatchObject({ code: 'CF_DOCKER_UNREACHABLE', message: /answer: permission denied/ });
  });

  test.each([
    [
      'without Compose',
      undefined,
      undefined,
      'neither `docker compose` nor `docker-compose` is there; wanted Compose 2.20',
    ],
    ['with a Compose of old', 'v2.19.1', undefined, /docker compose is v2\.19\.1; wanted Compose 2\.20 or newer/],
    ['with the first Compose', undefined, '1.29.2', /docker-compose is 1\.29\.2; wanted Compose 2\.20 or newer/],
  ])('%s says what was wanted', async (_case, plugin, alone, message) => {
    program('docker', docker(plugin));
    if (alone) program('docker-compose', `echo ${alone}`);
    await expect(open()).rejects.toMatchObject({ code: 'CF_COMPOSE_MISSING' });
    await expect(open()).rejects.toThrow(message);
  });

  test('has Compose as a plug-in, or on its own', async () => {
    program('docker', docker('v2.20.0'));
    program('docker-compose', 'case "$1" in version) echo 5.6.1 ;; *) echo alone ;; esac');
    expect(await (await open()).compose(['ps'])).toBe('plug-in');
    program('docker', docker('2.3.0'));
    expect(await (await open()).compose(['ps'])).toBe('alone');
  });

  test('that fails is told with its last words', async () => {
    program('docker', docker('5.6.1'));
    await expect((await open()).run(['inspect', 'x'])).rejects.toMatchObject({
      code: 'CF_DOCKER_FAILED',
      message: 'docker inspect: first\nError: no such thing',
    });
  });

  test('that says nothing is given up', async () => {
    program('docker', `case "$1" in inspect) exec /bin/sleep 60 ;; esac\n${docker('5.6.1')}`);
    await expect((await open()).run(['inspect'], { timeoutMs: 300 })).rejects.toThrow('no answer within 0.3 s');
  });

  test('is followed line by line until the signal', async () => {
    program('docker', `case "$2" in logs) while :; do echo line; /bin/sleep 0.05; done ;; esac\n${docker('5.6.1')}`);
    const stop = new AbortController();
    const seen: string[] = [];
    for await (const line of (await open()).follow(['logs'], stop.signal)) {
      seen.push(line);
      if (seen.length === 3) stop.abort();
    }
    expect(seen.slice(0, 3)).toEqual(['line', 'line', 'line']);
  });
});
