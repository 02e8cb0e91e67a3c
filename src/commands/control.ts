import { join } from 'node:path';
import { Flags } from '@oclif/core';
import { CamofleetCommand, serveUntilStopped } from '../cli/index.js';

export default class Control extends CamofleetCommand {
  static override summary = 'Run the control plane: sessions and workers over REST, tokens, and the fleet page.';
  static override description =
    `Settings come from the environment; \`camofleet config explain control\` lists them. The log goes to stdout as
JSON lines. The API describes itself at /openapi.json.`;
  static override examples = [
    '<%= config.bin %> control',
    `CONTROL_WORKERS='[{"name": "runner-1", "url": "http://127.0.0.1:8070"}]' <%= config.bin %> control`,
  ];
  static override flags = {
    host: Flags.string({ summary: 'Address of the public listener (CONTROL_HOST).' }),
    port: Flags.string({ summary: 'Port of the public listener (CONTROL_PORT).' }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(Control);
    const { env, packageRoot } = this.context;
    const [
      { startControl, CONTROL_CHANNELS },
      { KNOWN_NAMES, SETTINGS_CHANNELS, announceIgnored, controlSettings },
      { startJsonLog, systemClock },
    ] = await Promise.all([import('../control/index.js'), import('../settings/index.js'), import('../core/index.js')]);
    const config = controlSettings.load({ env, flags, knownNames: KNOWN_NAMES });
    const endLog = startJsonLog([...CONTROL_CHANNELS, ...SETTINGS_CHANNELS], {
      write: (line) => process.stdout.write(line),
      clock: systemClock,
      least: config.logLevel,
    });
    announceIgnored(env, KNOWN_NAMES);
    const control = await startControl(config, {
      clock: systemClock,
      random: Math.random,
      version: this.config.version,
      pageRoot: join(packageRoot, 'dist', 'ui', 'fleet'),
    });
    await serveUntilStopped(
      { stop: async () => control[Symbol.asyncDispose]() },
      this.signal,
      env['CAMOFLEET_LIFELINE_FD'],
    );
    endLog();
    process.exit(); // keep-alive connections and timers of libraries must not hold a stopped service
  }
}
