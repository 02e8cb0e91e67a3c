import { homedir, tmpdir } from 'node:os';
import { Flags } from '@oclif/core';
import { CamofleetCommand, serveUntilStopped } from '../cli/index.js';

export default class Runner extends CamofleetCommand {
  static override summary = 'Run the runner: sessions with a display, a VNC server and a browser, or a test card.';
  static override description =
    `Settings come from the environment; \`camofleet config explain runner\` lists them. The API needs a service key. The
log goes to stdout as JSON lines. SIGTERM ends every session, then the runner.`;
  static override examples = [
    'CAMOFLEET_RUNNER_SERVICE_KEY_FILE=service.key <%= config.bin %> runner',
    'CAMOFLEET_RUNNER_SERVICE_KEY_FILE=service.key <%= config.bin %> runner --host 127.0.0.1 --port 8170',
  ];
  static override flags = {
    host: Flags.string({ summary: 'Address that the API binds (RUNNER_HOST).' }),
    port: Flags.string({ summary: 'Port of the API (RUNNER_PORT).' }),
    sweep: Flags.string({
      hidden: true,
      summary: 'End what a runner that is gone left in this state folder, no more.',
    }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(Runner);
    const { env } = this.context;
    if (flags.sweep !== undefined) {
      const { sweepState } = await import('../runner/index.js');
      return sweepState(flags.sweep);
    }
    const [
      { startRunner, RUNNER_CHANNELS },
      { KNOWN_NAMES, SETTINGS_CHANNELS, announceIgnored, runnerSettings },
      { startJsonLog, systemClock },
    ] = await Promise.all([import('../runner/index.js'), import('../settings/index.js'), import('../core/index.js')]);
    const config = runnerSettings.load({ env, flags, knownNames: KNOWN_NAMES });
    const endLog = startJsonLog([...RUNNER_CHANNELS, ...SETTINGS_CHANNELS], {
      write: (line) => process.stdout.write(line),
      clock: systemClock,
      least: config.logLevel,
    });
    announceIgnored(env, KNOWN_NAMES);
    const runner = await startRunner(config, {
      clock: systemClock,
      version: this.config.version,
      path: env['PATH'] ?? '',
      home: env['HOME'] ?? homedir(),
      isRoot: this.context.isRoot,
      temporaryFolder: tmpdir(),
    });
    await serveUntilStopped(
      { stop: async () => runner[Symbol.asyncDispose]() },
      this.signal,
      env['CAMOFLEET_LIFELINE_FD'],
    );
    endLog();
    process.exit(); // keep-alive connections and timers of libraries must not hold a stopped service
  }
}
