import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { Flags } from '@oclif/core';
import { CamofleetCommand, asWorker, serveUntilStopped, spawnWorker } from '../cli/index.js';

export default class Gateway extends CamofleetCommand {
  static override summary = 'Run the gateway: WebSocket in, RFB out, with tokens, bounds and one cause for every end.';
  static override description =
    'Settings come from the environment; `camofleet config explain gateway` lists them. The log goes to stdout as JSON lines. SIGTERM, or POST /admin/drain on the internal listener, drains: new sockets are refused at once, open ones are told to reconnect, spread over the grace.';
  static override examples = [
    '<%= config.bin %> gateway',
    `VNC_MAP_JSON='{"6901": {"host": "127.0.0.1", "port": 5901}}' <%= config.bin %> gateway --host 127.0.0.1 --port 6900`,
  ];
  static override flags = {
    host: Flags.string({ summary: 'Address of the public listener (HTTP_HOST).' }),
    port: Flags.string({ summary: 'Port of the public listener (HTTP_PORT).' }),
    workers: Flags.string({
      summary: 'Processes that share the port: a number, or auto for one a core (CAMOFLEET_GATEWAY_WORKERS).',
      helpValue: 'N|auto',
    }),
    'tls-cert': Flags.string({
      summary: 'PEM file of the chain; the listener then speaks TLS (CAMOFLEET_GATEWAY_TLS_CERT_FILE).',
    }),
    'tls-key': Flags.string({ summary: 'PEM file of its private key (CAMOFLEET_GATEWAY_TLS_KEY_FILE).' }),
  };

  async run(): Promise<void> {
    // The young generation stays small: what a burst of openings leaves behind would cost an idle fleet 16 MB and more.
    setFlagsFromString('--semi-space-growth-factor=1');
    // V8 would collect everything once more, some seconds behind the start, to give memory back: 40 ms in which no picture
    // moves, for one or two MB. The warm-up has given back what the start alone has needed.
    setFlagsFromString('--memory-reducer-gc-count=0');
    // Code that runs for the first time is most of an opening: it is compiled, simply, at once instead of interpreted.
    setFlagsFromString('--always-sparkplug');
    const { flags } = await this.parse(Gateway);
    const { env, packageRoot } = this.context;
    const [
      { startGateway, startWorkers, runWorker, warmUp, warmedUp, GATEWAY_CHANNELS },
      { KNOWN_NAMES, SETTINGS_CHANNELS, announceIgnored, gatewaySettings },
      { startJsonLog, systemClock },
    ] = await Promise.all([import('../gateway/index.js'), import('../settings/index.js'), import('../core/index.js')]);
    const { host, port, workers, 'tls-cert': tlsCertificate, 'tls-key': tlsKey } = flags;
    const given = { host, port, workers, tlsCertificate, tlsKey };
    const config = gatewaySettings.load({ env, flags: given, knownNames: KNOWN_NAMES });
    const deps = { clock: systemClock, random: Math.random, pageRoot: join(packageRoot, 'dist', 'ui', 'viewer') };
    const worker = asWorker(env);
    const count = config.workers === 'auto' ? availableParallelism() : Number(config.workers);
    const warm = worker || count === 1 ? await warmUp(config, deps) : undefined; // a primary has no sockets
    if (worker) {
      await runWorker(config, { ...deps, number: worker.number, link: worker, warm, signal: this.signal });
      process.exit();
    }
    const endLog = startJsonLog([...GATEWAY_CHANNELS, ...SETTINGS_CHANNELS], {
      write: (line) => process.stdout.write(line),
      clock: systemClock,
      least: config.logLevel,
    });
    announceIgnored(env, KNOWN_NAMES);
    if (warm) warmedUp.publish(warm);
    const gateway = await (count === 1
      ? startGateway(config, deps)
      : startWorkers(config, { clock: systemClock, count, spawn: spawnWorker }));
    const stop = async (reason: 'signal' | 'orphaned'): Promise<void> => {
      if (reason === 'signal') await gateway.drain();
      await gateway[Symbol.asyncDispose]();
    };
    const stopAsked = AbortSignal.any([this.signal, gateway.stopAsked]);
    await serveUntilStopped({ stop }, stopAsked, env['CAMOFLEET_LIFELINE_FD']);
    endLog();
    process.exit(); // keep-alive connections and timers of libraries must not hold a stopped service
  }
}
