import { access } from 'node:fs/promises';
import { Flags } from '@oclif/core';
import { CamofleetCommand, fleetFlags, fleetLocation } from '../cli/index.js';
import type { DoctorEngine } from '../diagnostics/index.js';
import type { FleetPaths, Topology } from '../topology/index.js';

const ENGINES: readonly DoctorEngine[] = ['local', 'compose', 'swarm'];
const PLAIN_COLUMNS = 120;

export default class Doctor extends CamofleetCommand {
  static override summary =
    'Look at this host before a fleet is started on it: what is missing, and the remedy for each.';
  static override description =
    `Looks at Docker, programs, memory, disk, ports, the public name, the clock and the rights of this user, as the engine and
the topology of this folder need them; without a camofleet.yaml as a new fleet would. It changes nothing.

Exit codes: 0 ok · 1 something is missing · 3 something could not be found out · 5 warnings, with --strict · 130 interrupted.`;
  static override examples = [
    '<%= config.bin %> doctor',
    '<%= config.bin %> doctor --engine compose',
    '<%= config.bin %> doctor --json --strict',
  ];
  static override flags = {
    ...fleetFlags,
    engine: Flags.option({
      options: ENGINES,
      summary: 'Where the fleet is to run (default: where it runs, else what camofleet.yaml says).',
    })(),
    json: Flags.boolean({ summary: 'Print what was found as JSON.' }),
    strict: Flags.boolean({ summary: 'Exit 5 on warnings.' }),
    verbose: Flags.boolean({ char: 'v', summary: 'Print all of the evidence.' }),
    'no-color': Flags.boolean({ summary: 'No colours (NO_COLOR does the same).' }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(Doctor);
    const [{ doctor, thisHost }, { renderDoctor }, { bindProblem }] = await Promise.all([
      import('../diagnostics/index.js'),
      import('../report/index.js'),
      import('../engine/index.js'),
    ]);
    const { cwd, env, isRoot } = this.context;
    const { root, file } = fleetLocation(flags, cwd);
    const { paths, topology, runsOn } = await this.#fleet(root, file);
    const { stdout } = process;
    const report = await doctor({
      version: this.config.version,
      engine: flags.engine ?? runsOn ?? topology.engine,
      topology,
      paths,
      isRunning: runsOn !== undefined,
      isRoot,
      strict: flags.strict,
      io: thisHost(env, process.platform, bindProblem),
      monotonic: () => performance.now(),
      signal: this.signal,
    });
    const text = flags.json
      ? `${JSON.stringify(report, null, 2)}\n`
      : renderDoctor(report, {
          columns: stdout.isTTY ? stdout.columns : PLAIN_COLUMNS,
          colour: stdout.isTTY && !flags['no-color'] && !env['NO_COLOR'],
          verbose: flags.verbose,
        });
    await new Promise<void>((done) => {
      stdout.write(text, () => done());
    });
    process.exit(report.exitCode);
  }

  /** The fleet of the folder and the engine that it runs on; without a camofleet.yaml what a new one would be. */
  async #fleet(
    root: string,
    file: string | undefined,
  ): Promise<{ paths: FleetPaths; topology: Topology; runsOn: DoctorEngine | undefined }> {
    const [{ fleetPaths, loadTopology, parseTopology }, { openEngine }] = await Promise.all([
      import('../topology/index.js'),
      import('../engine/index.js'),
    ]);
    const paths = fleetPaths(root, file);
    const isThere = await access(paths.topologyFile).then(
      () => true,
      () => false, // then as a new one
    );
    if (!isThere) {
      const parsed = parseTopology('version: 1\n');
      if (!('topology' in parsed)) throw new Error('the smallest topology is always valid');
      return { paths, topology: parsed.topology, runsOn: undefined };
    }
    const topology = await loadTopology(paths.topologyFile);
    const engine = await openEngine(undefined, { paths, self: this.context, version: this.config.version });
    const { state } = await engine.status();
    const isRunning = state === 'starting' || state === 'up' || state === 'stopping';
    return { paths, topology, runsOn: isRunning ? engine.name : undefined };
  }
}
