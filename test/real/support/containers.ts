import { execa, execaSync } from 'execa';
import { which } from '../../support/components.ts';

const ANSWER_MS = 10_000;

/** True where no Docker daemon answers; throws instead where real components are required. */
export function lacksDocker(): boolean {
  const answers =
    which('docker') !== undefined &&
    !execaSync('docker', ['version', '--format', '{{.Server.Version}}'], { reject: false, timeout: ANSWER_MS }).failed;
  if (!answers && process.env['CAMOFLEET_REQUIRE_REAL'] === '1')
    throw new Error(
      'CAMOFLEET_REQUIRE_REAL=1 but missing: a Docker daemon that answers (apt-get install docker.io, dockerd)',
    );
  return !answers;
}

/** `docker …`: what it prints; throws with its words. */
export async function docker(...args: readonly string[]): Promise<string> {
  return (await execa('docker', args, { stdin: 'ignore' })).stdout;
}

/** As hardened as a container gets, as a user that no image has heard of. */
export const HARDENED = [
  '--read-only',
  ...['--cap-drop', 'ALL', '--security-opt', 'no-new-privileges:true', '--user', '4242:4242'],
  ...['--tmpfs', '/tmp:mode=1777', '--tmpfs', '/tmp/.X11-unix:mode=1777', '--shm-size', '512m', '--network', 'none'],
];

export interface Container extends AsyncDisposable {
  readonly id: string;
  /** Runs a script of Node inside; what it prints, as JSON. */
  ask<T>(script: string, ...args: readonly string[]): Promise<T>;
  /** Runs the image's own health check, with its exit code. */
  health(service: string): Promise<{ readonly exitCode: number | undefined; readonly stdout: string }>;
  inspect<T>(format: string): Promise<T>;
  /** Its log as parsed lines. */
  log(): Promise<readonly Readonly<Record<string, unknown>>[]>;
}

/** A container that is removed with everything in it. */
export async function startContainer(image: string, ...options: readonly string[]): Promise<Container> {
  const id = (await docker('run', '--detach', '--label', 'camofleet.test', ...options, image)).trim();
  const node = '/usr/local/bin/node';
  return {
    id,
    ask: async <T>(script: string, ...args: readonly string[]) => {
      const all = `const answer = async () => { ${script} }; answer().then((it) => console.log(JSON.stringify(it ?? null)));`;
      return JSON.parse(await docker('exec', id, node, '--eval', all, ...args)) as T;
    },
    health: async (service) => {
      const { exitCode, stdout } = await execa('docker', ['exec', id, node, '/app/bin/healthcheck.js', service], {
        reject: false,
      });
      return { exitCode, stdout };
    },
    inspect: async <T>(format: string) =>
      JSON.parse(await docker('inspect', '--format', `{{json ${format}}}`, id)) as T,
    log: async () => {
      const text = await docker('logs', id);
      return text
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line) as Record<string, unknown>);
    },
    [Symbol.asyncDispose]: async () => void (await docker('rm', '--force', '--volumes', id)),
  };
}
