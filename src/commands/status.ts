import { Flags } from '@oclif/core';
import { CamofleetCommand, fleetFlags, fleetLocation, table } from '../cli/index.js';
import { EXIT } from '../core/index.js';
import type { FleetStatus } from '../engine/index.js';

export default class Status extends CamofleetCommand {
  static override summary = 'Say what of the fleet runs, since when, and how often it was restarted.';
  static override description =
    'Exit code 0 when every service is ready, 1 when one of them is not, 3 when the fleet does not run.';
  static override examples = ['<%= config.bin %> status', '<%= config.bin %> status --json'];
  static override flags = { ...fleetFlags, json: Flags.boolean({ summary: 'Print the state as JSON.' }) };

  async run(): Promise<void> {
    const { flags } = await this.parse(Status);
    const [{ fleetPaths }, { fleetStatus }] = await Promise.all([
      import('../topology/index.js'),
      import('../engine/index.js'),
    ]);
    const { root, file } = fleetLocation(flags, this.context.cwd);
    const status = await fleetStatus(fleetPaths(root, file));
    process.exitCode = exitOf(status);
    if (flags.json) process.stdout.write(`${JSON.stringify(status, null, 2)}\n`);
    else process.stdout.write(`${describe(status, Date.now())}\n`);
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
  const rows = services.map(({ name, state, identity, restarts, lastEnd, nextTryAt }) => [
    name,
    state,
    identity ? String(identity.pid) : '-',
    String(restarts),
    [lastEnd, nextTryAt && `starts again in ${Math.max(0, (Date.parse(nextTryAt) - nowMs) / 1000).toFixed(1)} s`]
      .filter(Boolean)
      .join('; '),
  ]);
  const word = status.state === 'killed' ? 'not running: its supervisor was killed' : status.state;
  return `${url}/  ${word}, served by ${ingress}, since ${startedAt}

${table([['service', 'state', 'pid', 'restarts', 'last end'], ...rows])}`;
}
