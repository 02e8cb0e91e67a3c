import { Args, Flags } from '@oclif/core';
import { CamofleetCommand } from '../../cli/index.js';
import { CamofleetError } from '../../core/index.js';
import type { ImageTarget } from '../../topology/index.js';

/** As in src/topology, which is imported only when the command runs. */
const SERVICES = ['gateway', 'control', 'runner', 'capture'] as const satisfies readonly ImageTarget[];

export default class ImagesBuild extends CamofleetCommand {
  static override summary = 'Build the container images of this version with Docker.';
  static override description =
    `The images are made of the package that runs: nothing but Docker and the registries of npm and Debian is needed. Their
names go to stdout, a line each; the builder's words go to stderr.`;
  static override strict = false;
  static override examples = [
    '<%= config.bin %> images build',
    '<%= config.bin %> images build gateway control',
    '<%= config.bin %> images build --sbom bills    # and their bills of materials, in CycloneDX',
    '<%= config.bin %> images build --build-arg NODE_IMAGE=registry.example.com/node:24-bookworm-slim',
  ];
  static override args = {
    service: Args.string({ description: `Any of ${SERVICES.join(', ')}; all when none is named.` }),
  };
  static override flags = {
    'build-arg': Flags.string({
      multiple: true,
      multipleNonGreedy: true,
      summary: 'NAME=VALUE for the builder, NODE_IMAGE and DEBIAN_IMAGE among them.',
    }),
    fresh: Flags.boolean({ summary: 'Take nothing from the cache, and look for newer bases.' }),
    sbom: Flags.string({ summary: 'Folder that the bills of materials are copied to.' }),
    json: Flags.boolean({ summary: 'Print name, id and size of each image as JSON.' }),
  };

  async run(): Promise<void> {
    const { flags, argv } = await this.parse(ImagesBuild);
    const { buildImage, copyBill, originOf } = await import('../../images/index.js');
    const { packageRoot, env } = this.context;
    const services = servicesOf(argv as readonly string[]);
    const buildArgs = flags['build-arg'] ?? [];
    const odd = buildArgs.find((argument) => !/^\w+=/.test(argument));
    if (odd !== undefined)
      throw new CamofleetError('CF_USAGE', `--build-arg takes NAME=VALUE, not ${JSON.stringify(odd)}`);
    const options = {
      packageRoot,
      version: this.config.version,
      origin: await originOf(packageRoot),
      buildArgs,
      fresh: flags.fresh,
      env,
      onLine: (line: string) => this.say(line),
    };
    const images = [];
    for (const service of services) {
      const image = await buildImage(service, options, this.signal);
      const bill = flags.sbom === undefined ? null : await copyBill(image, flags.sbom, options, this.signal);
      images.push({ ...image, sbom: bill });
      if (!flags.json) process.stdout.write(`${image.name}\n`);
      this.say(`${image.name}: ${Math.round(image.bytes / 1e6)} MB`);
    }
    if (flags.json) process.stdout.write(`${JSON.stringify({ images })}\n`);
  }
}

/** Those that are named, in the order in which they are built. */
function servicesOf(names: readonly string[]): readonly ImageTarget[] {
  const unknown = names.find((name) => !SERVICES.some((service) => service === name));
  if (unknown !== undefined)
    throw new CamofleetError(
      'CF_USAGE',
      `there are images of ${SERVICES.join(', ')}, not of ${JSON.stringify(unknown)}`,
    );
  return names.length > 0 ? SERVICES.filter((service) => names.includes(service)) : SERVICES;
}
