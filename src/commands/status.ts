import { Flags } from '@oclif/core';
import { CamofleetCommand, engineFlag, fleetFlags, fleetLocation, table } from '../cli/index.js';
import { EXIT } from '../core/index.js';
import type { FleetStatus } from '../engine/index.js';

export default class Status extends CamofleetCommand {
  static override summary = 'Say what of the fleet runs, since when, and how often it was restarted.';
  static override description =
    'Exit code 0 when every service is ready, 1 when one of them is not, 3 when the fleet does not run.';
  static override examples = ['<%= config.bin %> status', '<%= config.bin %> status --json'];
  static override flags = {
    ...fleetFlags,
    ...engineFlag,
    json: Flags.boolean({ summary: 'Print the state as JSON.' }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(Status);
    const [{ fleetPaths, loadTopology }, { EXPIRES_SOON_DAYS, openEngine, readCertificate }] = await Promise.all([
      import('../topology/index.js'),
      import('../engine/index.js'),
    ]);
    const { root, file } = fleetLocation(flags, this.context.cwd);
    const paths = fleetPaths(root, file);
    const engine = await openEngine(flags.engine, { paths, self: this.context, version: this.config.version });
    const status = await engine.status();
    process.exitCode = exitOf(status);
    if (flags.json) process.stdout.write(`${JSON.stringify(status, null, 2)}\n`);
    else process.stdout.write(`${describe(status, Date.now())}\n`);
    const certificate = await loadTopology(paths.topologyFile).then(
      (topology) => readCertificate(paths, topology, Date.now()),
      () => undefined, // a fleet can be looked at without its file
    );
    if (certificate && certificate.daysLeft < EXPIRES_SOON_DAYS)
      this.say(`The certificate runs out on ${certificate.validTo}: camofleet certs renew.`);
    if (process.exitCode === EXIT.couldNotRun) this.say('Start it with `camofleet up`.');
  }
}

function exitOf(status: FleetStatus): number {
  if (status.state === 'not running' || status.state === 'stopped' || status.state === 'killed')
    return EXIT.couldNotRun;
  return status.state === 'up' && status.services.every(({ state }) => state === 'ready') ? EXIT.ok : EXIT.failed;
}

function describe(status: FleetStatus, nowMs: number): string {
  if (status.state === 'not running') return 'not running';
  const { url, ingress, startedAt, services, stops } = status;
  if (status.state === 'stopped') {
    const how = stops.map((stop) => `${stop.service} ${stop.how}`).join(', ');
    return `${url}/  stopped${how && `: ${how}`}`;
  }
  const isContainers = status.engine !== 'local';
  const rows = services.map(({ name, state, instance, restarts, ports, lastEnd, nextTryAt }) => [
    name,
    state,
    instance ?? '-',
    String(restarts),
    ...(isContainers ? [ports.join(', ') || '-'] : []),
    [lastEnd, nextTryAt && `starts again in ${Math.max(0, (Date.parse(nextTryAt) - nowMs) / 1000).toFixed(1)} s`]
      .filter(Boolean)
      .join('; '),
  ]);
  const head = ['service', 'state', isContainers ? 'container' : 'pid', 'restarts'];
  const word = status.state === 'killed' ? 'not running: its supervisor was killed' : status.state;
  return `${url}/  ${word}, served by ${ingress}, since ${startedAt}

${table([[...head, ...(isContainers ? ['ports'] : []), 'last end'], ...rows])}`;
}
