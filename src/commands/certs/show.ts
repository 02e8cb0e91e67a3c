import { Flags } from '@oclif/core';
import { CamofleetCommand, fleetFlags, fleetLocation } from '../../cli/index.js';
import { EXIT } from '../../core/index.js';

export default class CertsShow extends CamofleetCommand {
  static override summary = 'Say whom the certificate of the fleet is for, and until when.';
  static override description =
    'Exit code 1 when it has less than a week left. Where Traefik gets it by ACME, `camofleet verify` sees what it shows.';
  static override examples = ['<%= config.bin %> certs show', '<%= config.bin %> certs show --json'];
  static override flags = { ...fleetFlags, json: Flags.boolean({ summary: 'Print it as JSON.' }) };

  async run(): Promise<void> {
    const { flags } = await this.parse(CertsShow);
    const [{ fleetPaths, loadTopology }, { EXPIRES_SOON_DAYS, readCertificate }] = await Promise.all([
      import('../../topology/index.js'),
      import('../../engine/index.js'),
    ]);
    const { root, file } = fleetLocation(flags, this.context.cwd);
    const paths = fleetPaths(root, file);
    const topology = await loadTopology(paths.topologyFile);
    const facts = await readCertificate(paths, topology, Date.now());
    if (flags.json)
      process.stdout.write(`${JSON.stringify({ mode: topology.tls.mode, certificate: facts ?? null })}\n`);
    else if (!facts) process.stdout.write('Traefik gets it by ACME\n');
    else
      process.stdout.write(
        `${facts.subject}  valid until ${facts.validTo}, ${facts.daysLeft} days\n${facts.names}\nissued by ${facts.issuer}\nSHA-256 ${facts.fingerprint}\n`,
      );
    if (!facts || facts.daysLeft >= EXPIRES_SOON_DAYS) return;
    process.exitCode = EXIT.failed;
    this.say(topology.tls.mode === 'files' ? `Replace ${facts.file} and its key.` : 'Renew it: camofleet certs renew.');
  }
}
