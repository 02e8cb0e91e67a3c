import type { Topology } from './model.js';
import { STATE_FOLDER, fleetPaths } from './state.js';

/** The user of the images, by number: Kubernetes asks for numbers. */
export const CONTAINER_USER = { uid: 10_001, gid: 10_001 } as const;

/** Folders beside the topology that containers write to, below the root of the fleet. */
export const COMPOSE_STATE = {
  logs: `${STATE_FOLDER}/compose/logs`,
  acme: `${STATE_FOLDER}/compose/acme`,
  control: `${STATE_FOLDER}/control`,
} as const;

const SECRETS = `${STATE_FOLDER}/compose/secrets`;

/** A secret of the Compose file: what it is called, where it lies, and its copy that belongs to the user of containers. */
export interface ComposeSecret {
  readonly name: string;
  readonly from: string;
  readonly to: string;
}

/** The secrets of a fleet of containers, paths below its root or absolute. */
export function composeSecrets({ tls }: Topology): readonly ComposeSecret[] {
  const paths = fleetPaths('');
  const own = (file: string | undefined, usual: string): string => (tls.mode === 'files' && file ? file : usual);
  const certificate = [
    { name: 'tls-certificate', from: own(tls.certificate, paths.leafCertificate) },
    { name: 'tls-key', from: own(tls.key, paths.leafKey) },
  ];
  return [
    { name: 'token-keys', from: paths.tokenKeys },
    { name: 'operator-key', from: paths.operatorKey },
    { name: 'service-key', from: paths.serviceKey },
    ...(tls.mode === 'acme' ? [] : certificate),
  ].map(({ name, from }) => ({ name, from, to: `${SECRETS}/${name}` }));
}

/** A project's name begins with a letter or digit. */
const FALLBACK_NAME = 'camofleet';

/** What Compose calls the fleet: the id in letters that it takes. */
export function composeProject({ fleet }: Pick<Topology, 'fleet'>): string {
  const name = fleet.id.toLowerCase().replaceAll(/[^a-z0-9_-]/g, '-');
  return name.replace(/^[^a-z0-9]+/, '') || FALLBACK_NAME;
}
