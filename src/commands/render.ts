import { join } from 'node:path';
import { Flags } from '@oclif/core';
import { CamofleetCommand, fleetFlags, fleetLocation } from '../cli/index.js';
import { CamofleetError } from '../core/index.js';
import type { FileChange } from '../engine/index.js';
import type { FleetPaths, RenderEngine, RenderedFile, Templates, Topology } from '../topology/index.js';

/** As in src/topology, which is imported only when the command runs. */
const ENGINES = ['compose', 'local', 'swarm', 'kubernetes'] as const satisfies readonly RenderEngine[];

export default class Render extends CamofleetCommand {
  static override summary =
    'Write the files that follow from camofleet.yaml: Compose and Traefik, or values of the Helm chart.';
  static override description =
    `Rendered files are not edited by hand. With --check nothing is written: exit code 1, with a diff where files and
topology differ and with the rules that the topology breaks. With --eject the templates are copied to ./templates, which
then win. \`--engine local\` renders what \`camofleet up\` gives Traefik, in .camofleet/rendered/local;
\`--engine kubernetes\` the chart's values, in kubernetes/values.yaml.
With --guide the traffic guide is written as well, to docs/novnc: how a picture travels through this fleet, its routes,
reverse proxies and settings. From then on it is kept up, and compared, without the flag.`;
  static override examples = [
    '<%= config.bin %> render',
    '<%= config.bin %> render --check',
    '<%= config.bin %> render --engine local',
    '<%= config.bin %> render --engine kubernetes',
    '<%= config.bin %> render --guide',
    '<%= config.bin %> render --eject',
  ];
  static override flags = {
    ...fleetFlags,
    engine: Flags.option({ options: ENGINES, default: 'compose', summary: 'What to render for.' })(),
    check: Flags.boolean({ summary: 'Compare only.', exclusive: ['eject'] }),
    eject: Flags.boolean({ summary: 'Copy the templates to ./templates; those that are there are kept.' }),
    guide: Flags.boolean({ summary: 'The traffic guide as well, in docs/novnc.', exclusive: ['eject'] }),
    force: Flags.boolean({ summary: 'Overwrite files in docs/novnc that are not ours.', dependsOn: ['guide'] }),
    json: Flags.boolean({ summary: 'Print what became of each file as JSON.' }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(Render);
    const { ejectTemplates, writeFiles } = await import('../engine/index.js');
    const { root, file } = fleetLocation(flags, this.context.cwd);
    if (flags.eject) {
      this.#tell(await ejectTemplates(this.context.packageRoot, root), flags.json);
      return;
    }
    const { fleetPaths, leftOutOfChart, loadTemplates, loadTopology, render, violationText, violations } = await import(
      '../topology/index.js'
    );
    const paths = fleetPaths(root, file);
    const topology = await loadTopology(paths.topologyFile);
    const templates = await loadTemplates(this.context.packageRoot, join(root, 'templates'));
    const guide = await guideFiles(flags, { paths, topology, templates });
    const files = [...render(topology, flags.engine, { paths, templates, version: this.config.version }), ...guide];
    if (flags.check) {
      await this.#check(root, files, topology, flags.json);
      return;
    }
    this.#tell(await writeFiles(root, files), flags.json);
    for (const violation of violations(topology)) this.say(violationText(violation));
    const leftOut = flags.engine === 'kubernetes' ? leftOutOfChart(topology) : [];
    if (leftOut.length > 0)
      this.say(`not in the values, a cluster has it from elsewhere (docs/kubernetes.md): ${leftOut.join(', ')}`);
  }

  async #check(root: string, files: readonly RenderedFile[], topology: Topology, json: boolean): Promise<void> {
    const [{ compareFiles }, { violationText, violations }] = await Promise.all([
      import('../engine/index.js'),
      import('../topology/index.js'),
    ]);
    const broken = violations(topology);
    const different = await compareFiles(root, files);
    const failed = broken.filter(({ severity }) => severity === 'fail');
    for (const violation of different.length > 0 ? broken : broken.filter(({ severity }) => severity === 'warn'))
      this.say(violationText(violation));
    if (!json) for (const { diff } of different) process.stdout.write(diff);
    const paths = different.map(({ path }) => path);
    if (different.length > 0)
      throw new CamofleetError(
        'CF_RENDER_DIFFERS',
        `${paths.join(', ')} ${paths.length === 1 ? 'differs' : 'differ'} from camofleet.yaml`,
        { different: paths, diffs: different.map(({ diff }) => diff) },
      );
    if (failed.length > 0)
      throw new CamofleetError('CF_TOPOLOGY_RULE', failed.map(violationText).join('\n'), {
        rules: failed.map(({ id }) => id),
      });
    if (json) process.stdout.write(`${JSON.stringify({ different: [], rules: broken })}\n`);
    this.say('The files are what camofleet.yaml says.');
  }

  #tell(changes: readonly FileChange[], json: boolean): void {
    if (json) process.stdout.write(`${JSON.stringify({ files: changes })}\n`);
    else for (const { path } of changes) process.stdout.write(`${path}\n`);
    const same = changes.filter(({ change }) => change !== 'written').map(({ path }) => path);
    if (same.length > 0)
      this.say(
        `${same.join(', ')}: ${changes.some(({ change }) => change === 'kept') ? 'kept as they were' : 'as before'}`,
      );
  }
}

interface GuideFlags {
  readonly engine: RenderEngine;
  readonly guide: boolean;
  readonly check: boolean;
  readonly force: boolean;
}

interface Fleet {
  readonly paths: FleetPaths;
  readonly topology: Topology;
  readonly templates: Templates;
}

/** The pages of the guide: where they are asked for, or are there already for the same engine. */
async function guideFiles(flags: GuideFlags, fleet: Fleet): Promise<readonly RenderedFile[]> {
  const { paths, topology, templates } = fleet;
  const { MARKED_FILE, guideEngineOf, guideSubject, renderGuide } = await import('../guide/index.js');
  const { readIfThere } = await import('../engine/index.js');
  const present = guideEngineOf(await readIfThere(join(paths.root, MARKED_FILE)));
  if (!flags.guide && present !== flags.engine) return [];
  const subject = guideSubject(flags.engine, topology, templates, paths);
  if (!subject) throw new CamofleetError('CF_USAGE', `the guide is not written for the engine ${flags.engine}`);
  const files = renderGuide(subject);
  if (present !== undefined || flags.check || flags.force) return files;
  const texts = await Promise.all(files.map(({ path }) => readIfThere(join(paths.root, path))));
  const foreign = files.flatMap(({ path }, index) => (texts[index] === undefined ? [] : [path]));
  if (foreign.length === 0) return files;
  throw new CamofleetError('CF_FILE_EXISTS', `${foreign.join(', ')} would be overwritten`, { existing: foreign });
}
