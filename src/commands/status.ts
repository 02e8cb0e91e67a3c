import { Flags } from '@oclif/core';
import type { ChalkInstance } from 'chalk';
import { CamofleetCommand, engineFlag, fleetFlags, fleetLocation, table } from '../cli/index.js';
import { EXIT } from '../core/index.js';
import type { FleetStatus, ServiceStatus } from '../engine/index.js';

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
    else process.stdout.write(`${describe(status, Date.now(), await this.#paint())}\n`);
    const certificate = await loadTopology(paths.topologyFile).then(
      (topology) => readCertificate(paths, topology, Date.now()),
      () => undefined, // a fleet can be looked at without its file
    );
    if (certificate && certificate.daysLeft < EXPIRES_SOON_DAYS)
      this.say(`The certificate runs out on ${certificate.validTo}: camofleet certs renew.`);
    if (process.exitCode === EXIT.couldNotRun) this.say('Start it with `camofleet up`.');
  }

  /** Colours on a terminal alone; the words say it as well. */
  async #paint(): Promise<ChalkInstance> {
    const { Chalk } = await import('chalk');
    return new Chalk({ level: process.stdout.isTTY && !this.context.env['NO_COLOR'] ? 1 : 0 });
  }
}

function exitOf(status: FleetStatus): number {
  if (status.state === 'not running' || status.state === 'stopped' || status.state === 'killed')
    return EXIT.couldNotRun;
  return status.state === 'up' && status.services.every(({ state }) => state === 'ready') ? EXIT.ok : EXIT.failed;
}

/** One line of the fleet, then one of each replica; columns that say nothing are left out. */
function describe(status: FleetStatus, nowMs: number, paint: ChalkInstance): string {
  if (status.state === 'not running') return 'not running';
  const { url, ingress, engine, startedAt, services, stops } = status;
  if (status.state === 'stopped') {
    const how = stops.map((stop) => `${stop.service} ${stop.how}`).join(', ');
    return `${url}/  stopped${how && `: ${how}`}`;
  }
  const word = status.state === 'killed' ? 'not running: its supervisor was killed' : status.state;
  const since = `since ${startedAt.slice(0, 19).replace('T', ' ')} UTC`;
  const isContainers = engine !== 'local';
  const isPublished = services.some(({ ports }) => ports.length > 0);
  const hasEnded = services.some(({ lastEnd }) => lastEnd !== null);
  const row = (service: ServiceStatus): string[] => [
    service.name,
    STATES[service.state](paint)(service.state),
    service.instance ?? '-',
    String(service.restarts),
    ...(isPublished ? [service.ports.join(', ') || '-'] : []),
    ...(hasEnded ? [endOf(service, nowMs)] : []),
  ];
  const head = [
    ...['service', 'state', isContainers ? 'container' : 'pid', 'restarts'],
    ...(isPublished ? ['ports'] : []),
    ...(hasEnded ? ['last end'] : []),
  ].map((name) => paint.dim(name));
  return `${paint.bold(`${url}/`)}  ${word}, served by ${ingress}, ${since}${isContainers ? `, on ${engine}` : ''}

${table([head, ...services.map(row)])}`;
}

/** Why it ended last, and when it is started again. */
function endOf({ lastEnd, nextTryAt }: ServiceStatus, nowMs: number): string {
  const again =
    nextTryAt === null ? [] : [`starts again in ${Math.max(0, (Date.parse(nextTryAt) - nowMs) / 1000).toFixed(1)} s`];
  return [...(lastEnd === null ? [] : [lastEnd]), ...again].join('; ') || '-';
}

const STATES: Readonly<Record<ServiceStatus['state'], (paint: ChalkInstance) => ChalkInstance>> = {
  starting: (paint) => paint.yellow,
  ready: (paint) => paint.green,
  unhealthy: (paint) => paint.red,
  waiting: (paint) => paint.red,
  stopped: (paint) => paint.red,
};
