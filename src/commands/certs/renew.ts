import { Flags } from '@oclif/core';
import { CamofleetCommand, engineFlag, fleetFlags, fleetLocation } from '../../cli/index.js';

export default class CertsRenew extends CamofleetCommand {
  static override summary = 'Renew the certificate of the fleet and have what runs show it; no socket is cut.';
  static override description =
    `With tls.mode throwaway: a new leaf by the fleet's own authority, when less than 14 days are left or with --force.
With tls.mode files: replace the files first; this has the ingress read them. With acme Traefik does all of it.`;
  static override examples = ['<%= config.bin %> certs renew', '<%= config.bin %> certs renew --force'];
  static override flags = {
    ...fleetFlags,
    ...engineFlag,
    force: Flags.boolean({ summary: 'Also when it is good for long.' }),
    json: Flags.boolean({ summary: 'Print what was done as JSON.' }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(CertsRenew);
    const [{ fleetPaths, loadTopology }, { openEngine, renewCertificate }] = await Promise.all([
      import('../../topology/index.js'),
      import('../../engine/index.js'),
    ]);
    const { root, file } = fleetLocation(flags, this.context.cwd);
    const paths = fleetPaths(root, file);
    const topology = await loadTopology(paths.topologyFile);
    const engine = await openEngine(flags.engine, { paths, self: this.context, version: this.config.version });
    const renewal = await renewCertificate(paths, topology, { anew: flags.force, nowMs: Date.now() });
    await engine.refresh();
    const { certificates, certificate } = renewal;
    if (flags.json) process.stdout.write(`${JSON.stringify(renewal)}\n`);
    this.say(
      `${certificates === 'kept' ? 'Kept' : 'New'}: valid until ${certificate.validTo}. New handshakes get it within 10 s.`,
    );
    if (certificates === 'made') this.say(`The authority is new as well; who trusts it needs ${paths.caCertificate}.`);
  }
}
