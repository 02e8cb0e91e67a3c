import { spawn } from 'node:child_process';
import { open } from 'node:fs/promises';
import { Flags } from '@oclif/core';
import { CamofleetCommand, fleetFlags, fleetLocation } from '../cli/index.js';
import { CamofleetError, EXIT } from '../core/index.js';
import type { FleetPaths, Topology } from '../topology/index.js';

export default class Up extends CamofleetCommand {
  static override summary = 'Bring the fleet up on this host and keep it running.';
  static override description =
    `Starts runner, control plane, gateway and ingress (Traefik when it is on PATH, else the embedded one) as processes,
restarts what dies, and stops all of it on Ctrl-C. The public URL is the only line on stdout.`;
  static override examples = [
    '<%= config.bin %> up',
    '<%= config.bin %> up --detach --wait    # returns when a frame was seen at the public URL',
    'URL=$(<%= config.bin %> up --detach --wait)',
  ];
  static override flags = {
    ...fleetFlags,
    engine: Flags.string({ options: ['local'], default: 'local', summary: 'Where the fleet runs.' }),
    detach: Flags.boolean({ char: 'd', summary: 'Run in the background; `camofleet down` stops it.' }),
    wait: Flags.boolean({ char: 'w', summary: 'Wait until a frame was seen at the public URL.' }),
    timeout: Flags.integer({ default: 60, summary: 'Seconds to wait with --detach or --wait.' }),
    json: Flags.boolean({ summary: 'Print the result as JSON.' }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(Up);
    const [{ fleetPaths, loadTopology }, { ensureState }] = await Promise.all([
      import('../topology/index.js'),
      import('../engine/index.js'),
    ]);
    const { root, file } = fleetLocation(flags, this.context.cwd);
    const paths = fleetPaths(root, file);
    const topology = await loadTopology(paths.topologyFile);
    await ensureState(paths, topology, Date.now());
    const { wait, timeout, json } = flags;
    if (flags.detach) await this.#background(paths, topology, { wait, timeout, json });
    else await this.#foreground(paths, topology, { wait, timeout, json });
  }

  async #foreground(
    paths: FleetPaths,
    topology: Topology,
    options: { wait: boolean; timeout: number; json: boolean },
  ): Promise<void> {
    const [{ ENGINE_CHANNELS, startSupervisor }, { startJsonLog, systemClock }, { loadTemplates }, { identify }] =
      await Promise.all([
        import('../engine/index.js'),
        import('../core/index.js'),
        import('../topology/index.js'),
        import('../processes/index.js'),
      ]);
    const { env, execPath, entryPoint, pid, packageRoot } = this.context;
    const detached = env['CAMOFLEET_DETACHED'] === '1';
    if (detached)
      startJsonLog(ENGINE_CHANNELS, { write: (line) => process.stdout.write(line), clock: systemClock, least: 'info' });
    const say = (line: string): void => {
      if (!detached) this.say(line);
    };
    const supervisor = await startSupervisor(
      topology,
      {
        clock: systemClock,
        paths,
        templates: await loadTemplates(packageRoot, `${paths.root}/templates`),
        self: { execPath, entryPoint, identity: identify(pid) ?? { pid, startedAt: '' } },
        env,
        onStep: (service, state, tookMs) => {
          if (state === 'ready') say(`  ${service.padEnd(8)} ready    ${(tookMs / 1000).toFixed(1)} s`);
        },
      },
      this.signal,
    );
    try {
      if (options.wait) await this.#seeFrame(paths, topology, options.timeout);
      if (!detached) this.#tell(supervisor.url, supervisor.ingress, options.json);
      say('Ctrl-C stops it.');
      if (!this.signal.aborted)
        await new Promise((resolve) => this.signal.addEventListener('abort', resolve, { once: true }));
    } finally {
      say('\nStopping …');
      for (const { service, how, tookMs } of await supervisor.stop())
        say(`  ${service.padEnd(8)} stopped  ${how}, ${(tookMs / 1000).toFixed(1)} s`);
    }
    process.exit(EXIT.ok); // timers of libraries must not hold a stopped supervisor
  }

  /** Starts this command again in a session of its own and waits until it says that it is up. */
  async #background(
    paths: FleetPaths,
    topology: Topology,
    options: { wait: boolean; timeout: number; json: boolean },
  ): Promise<void> {
    const { runningRecord } = await import('../engine/index.js');
    const running = await runningRecord(paths);
    if (running)
      throw new CamofleetError(
        'CF_FLEET_RUNNING',
        `this fleet already runs at ${running.url}, supervised by process ${running.supervisor.pid}`,
        { url: running.url },
      );
    const { serviceLog } = await import('../topology/index.js');
    const log = await open(serviceLog(paths, 'supervisor'), 'a', 0o600);
    const { size: before } = await log.stat();
    const child = spawn(this.context.execPath, [this.context.entryPoint, 'up', '--topology', paths.topologyFile], {
      cwd: paths.root,
      detached: true,
      env: { ...this.context.env, CAMOFLEET_DETACHED: '1' },
      stdio: ['ignore', log.fd, log.fd],
    });
    await log.close();
    const ended: { code?: number | null } = {};
    child.once('exit', (code) => {
      ended.code = code;
    });
    const record = await this.#waitUntilUp(paths, options.timeout, ended, before);
    child.unref();
    if (options.wait) await this.#seeFrame(paths, topology, options.timeout);
    this.#tell(record.url, record.ingress, options.json);
    this.say('It runs in the background: camofleet status, camofleet logs -f, camofleet down.');
  }

  async #waitUntilUp(
    paths: FleetPaths,
    timeoutS: number,
    ended: { code?: number | null },
    logFrom: number,
  ): Promise<{ url: string; ingress: 'traefik' | 'embedded' }> {
    const { runningRecord } = await import('../engine/index.js');
    const { serviceLog } = await import('../topology/index.js');
    const { readFile } = await import('node:fs/promises');
    const deadline = Date.now() + timeoutS * 1000;
    while (!this.signal.aborted) {
      const record = await runningRecord(paths);
      if (record?.state === 'up') return record;
      const said = (): Promise<string> =>
        readFile(serviceLog(paths, 'supervisor'), 'utf8').then((text) =>
          text.slice(logFrom).trim().split('\n').slice(-20).join('\n'),
        );
      if (ended.code !== undefined)
        throw new CamofleetError('CF_SERVICE_EXITED', `the fleet did not come up\n${await said()}`);
      if (Date.now() > deadline) {
        const waiting = record?.services.filter(({ state }) => state !== 'ready').map(({ name }) => name) ?? [];
        throw new CamofleetError(
          'CF_SERVICE_NOT_READY',
          `the fleet was not up within ${timeoutS} s; waiting for ${waiting.join(', ') || 'its supervisor'}`,
        );
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new CamofleetError(
      'CF_SERVICE_NOT_READY',
      'interrupted before the fleet was up; `camofleet down` stops what has started',
    );
  }

  async #seeFrame(paths: FleetPaths, topology: Topology, timeoutS: number): Promise<void> {
    const { frameThroughFleet } = await import('../diagnostics/index.js');
    const seen = await frameThroughFleet(
      paths,
      topology,
      AbortSignal.any([this.signal, AbortSignal.timeout(timeoutS * 1000)]),
    );
    if (!seen.ok)
      throw new CamofleetError(
        'CF_NO_FRAME',
        `no frame was seen at the public URL: ${seen.hop} (${seen.code}): ${seen.saw}`,
      );
    this.say(`  frame    seen     ${seen.width}x${seen.height} at the public URL after ${Math.round(seen.tookMs)} ms`);
  }

  #tell(url: string, ingress: string, json: boolean): void {
    process.stdout.write(json ? `${JSON.stringify({ url: `${url}/`, ingress })}\n` : `${url}/\n`);
    this.say(`Up, served by ${ingress === 'traefik' ? 'Traefik' : 'the embedded ingress'}.`);
  }
}
