import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { CamofleetError } from '../core/index.js';
import { type ImageTarget, imageName } from '../topology/index.js';
import type { Origin } from './origin.js';

export interface BuildOptions {
  /** The package: its files are the context of the build. */
  readonly packageRoot: string;
  readonly version: string;
  readonly origin: Origin;
  /** `NAME=VALUE` for `--build-arg`. */
  readonly buildArgs: readonly string[];
  /** Take no layer from the cache, and look for newer bases. */
  readonly fresh: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Gets what the builder says, line by line. */
  readonly onLine: (line: string) => void;
}

export interface BuiltImage {
  readonly service: ImageTarget;
  readonly name: string;
  /** `sha256:…` */
  readonly id: string;
  readonly bytes: number;
}

/** Where each image holds its bill of materials. */
const BILL = '/app/sbom.cdx.json';

/**
 * Builds the image of one service with `docker build` of whatever kind is installed. Throws CF_COMPONENT_MISSING without
 * docker, CF_IMAGE_BUILD when the build fails.
 */
export async function buildImage(
  service: ImageTarget,
  options: BuildOptions,
  signal: AbortSignal,
): Promise<BuiltImage> {
  const name = imageName(service, options.version);
  const built = await docker(buildArguments(service, options), options, signal, options.onLine);
  if (built.failed) throw new CamofleetError('CF_IMAGE_BUILD', `${name} was not built: docker build ${built.how}`);
  const { stdout } = await docker(['image', 'inspect', '--format', '{{.Id}} {{.Size}}', name], options, signal);
  const [id = '', bytes = ''] = stdout.trim().split(' ');
  return { service, name, id, bytes: Number(bytes) };
}

/** Copies the bill of materials of an image to `FOLDER/SERVICE.cdx.json`; returns the file. */
export async function copyBill(
  { service, id }: BuiltImage,
  folder: string,
  options: Pick<BuildOptions, 'env'>,
  signal: AbortSignal,
): Promise<string> {
  const file = join(folder, `${service}.cdx.json`);
  await mkdir(folder, { recursive: true });
  const created = await docker(['create', id], options, signal);
  const container = created.stdout.trim();
  const copied = await docker(['cp', `${container}:${BILL}`, file], options, signal);
  await docker(['rm', container], options, signal);
  if (copied.failed) throw new CamofleetError('CF_IMAGE_BUILD', `${BILL} of ${id} cannot be copied: ${copied.stderr}`);
  return file;
}

/** The command line of a build, after `docker`. */
export function buildArguments(
  service: ImageTarget,
  { packageRoot, version, origin, buildArgs, fresh }: Omit<BuildOptions, 'env' | 'onLine'>,
): string[] {
  const labels = { version, ...origin };
  return [
    'build',
    ...['--file', join(packageRoot, 'images', 'Dockerfile'), '--target', service, '--tag', imageName(service, version)],
    ...Object.entries(labels).flatMap(([key, value]) =>
      value === undefined ? [] : ['--label', `org.opencontainers.image.${key}=${value}`],
    ),
    ...buildArgs.flatMap((argument) => ['--build-arg', argument]),
    ...(fresh ? ['--no-cache', '--pull'] : []),
    packageRoot,
  ];
}

interface Answer {
  readonly failed: boolean;
  readonly stdout: string;
  readonly stderr: string;
  /** How it failed. */
  readonly how: string;
}

async function docker(
  args: readonly string[],
  { env }: Pick<BuildOptions, 'env'>,
  signal: AbortSignal,
  onLine?: (line: string) => void,
): Promise<Answer> {
  const child = execa('docker', args, {
    env,
    reject: false,
    cancelSignal: signal,
    stdin: 'ignore',
    all: onLine !== undefined,
  });
  if (onLine) for await (const line of child.iterable({ from: 'all' })) onLine(line);
  const result = await child;
  signal.throwIfAborted();
  if (result.code === 'ENOENT') throw new CamofleetError('CF_COMPONENT_MISSING', 'docker is not installed here');
  const how = result.signal ? `was ended by ${result.signal}` : `exited with code ${result.exitCode}`;
  return { failed: result.failed, stdout: result.stdout, stderr: result.stderr, how };
}
