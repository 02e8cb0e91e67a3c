import { Flags } from '@oclif/core';
import { CamofleetCommand, serveUntilStopped } from '../cli/index.js';

export default class Ingress extends CamofleetCommand {
  static override hidden = true;
  static override summary = 'Run the embedded ingress that stands in where no Traefik is installed.';
  static override description = 'The local engine starts it; its flags come from the topology.';
  static override examples = ['<%= config.bin %> up'];
  static override flags = {
    host: Flags.string({ required: true, summary: 'Address to bind.' }),
    port: Flags.integer({ required: true, summary: 'Port to bind.' }),
    certificate: Flags.string({ required: true, summary: 'PEM file of the certificate.' }),
    key: Flags.string({ required: true, summary: 'PEM file of its key.' }),
    'access-log': Flags.string({ required: true, summary: "File of the access log, with Traefik's fields." }),
    gateway: Flags.string({ required: true, summary: 'URL of the gateway.' }),
    control: Flags.string({ required: true, summary: 'URL of the control plane.' }),
    grace: Flags.integer({ required: true, summary: 'Milliseconds that open sockets have after a stop.' }),
    'response-timeout': Flags.integer({ required: true, summary: 'Milliseconds that a service has to answer.' }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(Ingress);
    const [{ startIngress, INGRESS_CHANNELS }, { startJsonLog, systemClock }] = await Promise.all([
      import('../ingress/index.js'),
      import('../core/index.js'),
    ]);
    startJsonLog(INGRESS_CHANNELS, { write: (line) => process.stdout.write(line), clock: systemClock, least: 'info' });
    const ingress = await startIngress(
      {
        host: flags.host,
        port: flags.port,
        certificateFile: flags.certificate,
        keyFile: flags.key,
        accessLogFile: flags['access-log'],
        upstreams: { gateway: flags.gateway, control: flags.control },
        graceTimeoutMs: flags.grace,
        responseHeaderTimeoutMs: flags['response-timeout'],
      },
      { clock: systemClock },
    );
    await serveUntilStopped(
      {
        stop: async (reason) => {
          if (reason === 'orphaned') process.exit();
          await ingress[Symbol.asyncDispose]();
        },
      },
      this.signal,
      this.context.env['CAMOFLEET_LIFELINE_FD'],
    );
    process.exit(); // keep-alive connections must not hold a stopped service
  }
}
