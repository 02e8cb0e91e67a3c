import { join } from 'node:path';

/** Where everything of one fleet lies, beside its camofleet.yaml. Paths only, no IO. */
export interface FleetPaths {
  readonly root: string;
  readonly topologyFile: string;
  /** Mode 0700; all below is private to the user. */
  readonly state: string;
  readonly secrets: string;
  readonly operatorKey: string;
  readonly serviceKey: string;
  readonly tokenKeys: string;
  readonly pki: string;
  readonly caCertificate: string;
  readonly caKey: string;
  readonly leafCertificate: string;
  readonly leafKey: string;
  /** Account and certificates of the authority, where Traefik gets them by ACME. */
  readonly acmeStorage: string;
  /** What control remembers over its restarts. */
  readonly controlState: string;
  readonly run: string;
  readonly supervisorFile: string;
  readonly runnerState: string;
  readonly logs: string;
  /** Written by Traefik or the embedded ingress, JSON lines with Traefik's field names. */
  readonly accessLog: string;
  readonly rendered: (engine: string) => string;
}

export const TOPOLOGY_FILE = 'camofleet.yaml';
export const STATE_FOLDER = '.camofleet';

/** The paths of the fleet whose topology file lies in `root` (absolute). */
export function fleetPaths(root: string, topologyFile: string = join(root, TOPOLOGY_FILE)): FleetPaths {
  const state = join(root, STATE_FOLDER);
  const [secrets, pki, run, logs] = ['secrets', 'pki', 'run', 'logs'].map((name) => join(state, name)) as [
    string,
    string,
    string,
    string,
  ];
  return {
    root,
    topologyFile,
    state,
    secrets,
    operatorKey: join(secrets, 'operator.key'),
    serviceKey: join(secrets, 'service.key'),
    tokenKeys: join(secrets, 'token-keys.json'),
    pki,
    caCertificate: join(pki, 'ca.pem'),
    caKey: join(pki, 'ca.key'),
    leafCertificate: join(pki, 'leaf.pem'),
    leafKey: join(pki, 'leaf.key'),
    acmeStorage: join(state, 'acme.json'),
    controlState: join(state, 'control'),
    run,
    supervisorFile: join(run, 'supervisor.json'),
    runnerState: join(run, 'runner'),
    logs,
    accessLog: join(logs, 'traefik-access.log'),
    rendered: (engine) => join(state, 'rendered', engine),
  };
}

/** The log file of one service: `gateway.log`, `runner.log`, `control.log`, `ingress.log`, `supervisor.log`. */
export function serviceLog(paths: FleetPaths, service: string): string {
  return join(paths.logs, `${service}.log`);
}
