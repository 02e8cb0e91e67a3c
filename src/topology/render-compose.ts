import { dirname } from 'node:path';
import { urlHost } from '../core/index.js';
import { duration } from './duration.js';
import { serviceEnvironment } from './environment.js';
import { Form } from './form.js';
import { imageName } from './image-names.js';
import { RFB_ALIAS, type Topology } from './model.js';
import { type Placement, composePlacement } from './placement.js';
import { fleetPaths } from './state.js';
import type { Template } from './templates.js';

const TRAEFIK_IMAGE = 'traefik:v3.7';
const STATIC_FILE = '/etc/traefik/traefik.yaml';
/** A container's stop grace is longer than its program's own by this. */
const STOP_MARGIN_MS = 5_000;
/** A project's name begins with a letter or digit. */
const FALLBACK_NAME = 'camofleet';

/** The Compose file of a fleet. Services that an ejected template left out stay out. */
export function renderCompose(topology: Topology, template: Template, version: string): string {
  const form = new Form(template);
  const placement = composePlacement(topology);
  form.set(['name'], projectName(topology.fleet.id));
  if (form.has('services', 'traefik')) fillTraefik(form, topology, placement);
  for (const service of ['gateway', 'control', 'runner'] as const) {
    if (!form.has('services', service)) continue;
    const environment = serviceEnvironment(service, topology, placement);
    form.set(['services', service, 'image'], imageName(service, version));
    form.set(
      ['services', service, 'environment'],
      Object.fromEntries(Object.entries(environment).map(([name, value]) => [name, literal(value)])),
    );
  }
  if (form.has('services', 'gateway'))
    form.set(['services', 'gateway', 'stop_grace_period'], duration(topology.gateway.shutdownGraceMs + STOP_MARGIN_MS));
  const control = ['services', 'control'];
  if (form.has(...control)) form.set([...control, 'volumes'], [`control-state:${placement.files.controlState}`]);
  const aliases = ['services', 'runner', 'networks', 'fleet', 'aliases'];
  if (form.has(...aliases)) form.set(aliases, [RFB_ALIAS]);
  form.set(['secrets'], secrets(topology));
  return form.toString();
}

function fillTraefik(form: Form, topology: Topology, { ingress }: Placement): void {
  const { port, bind } = topology.public;
  const traefik = ['services', 'traefik'];
  const acme = topology.tls.mode === 'acme';
  form.set([...traefik, 'image'], TRAEFIK_IMAGE);
  form.set([...traefik, 'command'], [`--configFile=${STATIC_FILE}`]);
  form.set([...traefik, 'ports'], [`${urlHost(bind)}:${port}:${port}`]);
  form.set(
    [...traefik, 'volumes'],
    [
      `./traefik/traefik.yaml:${STATIC_FILE}:ro`,
      `./traefik/dynamic:${ingress.dynamicFolder}:ro`,
      `traefik-logs:${dirname(ingress.accessLog)}`,
      ...(acme ? [`traefik-acme:${dirname(ingress.acmeStorage)}`] : []),
    ],
  );
  form.set([...traefik, 'stop_grace_period'], duration(topology.ingress.graceTimeoutMs + STOP_MARGIN_MS));
  if (!acme) return;
  form.set(['volumes', 'traefik-acme'], {});
  form.remove(...traefik, 'secrets');
}

function secrets({ tls }: Topology): Record<string, { file: string }> {
  const paths = fleetPaths('.');
  const below = (path: string): { file: string } => ({ file: literal(`./${path}`) });
  const own = (file: string | undefined, usual: string): { file: string } =>
    tls.mode === 'files' && file ? { file: literal(file) } : below(usual);
  return {
    'token-keys': below(paths.tokenKeys),
    'operator-key': below(paths.operatorKey),
    'service-key': below(paths.serviceKey),
    ...(tls.mode !== 'acme' && {
      'tls-certificate': own(tls.certificate, paths.leafCertificate),
      'tls-key': own(tls.key, paths.leafKey),
    }),
  };
}

function projectName(fleetId: string): string {
  const name = fleetId.toLowerCase().replaceAll(/[^a-z0-9_-]/g, '-');
  return name.replace(/^[^a-z0-9]+/, '') || FALLBACK_NAME;
}

/** Compose replaces `$NAME`; `$$` is a dollar. */
function literal(value: string): string {
  return value.replaceAll('$', '$$$$');
}
