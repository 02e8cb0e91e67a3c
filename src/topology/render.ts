import { type Document, parseDocument } from 'yaml';
import { serviceEnvironment } from './environment.js';
import { ROUTES, type Topology } from './model.js';
import { type Placement, composePlacement } from './placement.js';
import type { Templates } from './templates.js';

/** A file that follows from the topology: its path below the fleet's folder, and its text. */
export interface RenderedFile {
  readonly path: string;
  readonly text: string;
}

const HEADER =
  ' Rendered from camofleet.yaml by `camofleet render`. Do not edit: change the topology, or eject the templates.\n';
/** Traefik reads a request within this; no timeout option of Traefik ends an open socket. */
const READ_TIMEOUT_MS = 60_000;
const TRAEFIK_IMAGE = 'traefik:v3.7';
/** A container's stop grace is longer than its program's own by this. */
const STOP_MARGIN_MS = 5_000;
const RESOLVER = 'camofleet-tls';

/** Traefik's two files for a placement. */
export function renderTraefik(
  topology: Topology,
  placement: Placement,
  templates: Templates,
): { static: string; dynamic: string } {
  return {
    static: renderStatic(topology, placement, templates.traefik),
    dynamic: renderDynamic(topology, placement, templates.dynamic),
  };
}

function renderStatic(topology: Topology, placement: Placement, template: string): string {
  const document = parseDocument(template);
  const { ingress, tls } = topology;
  document.setIn(['entryPoints', 'websecure', 'address'], placement.ingress.address);
  document.setIn(['entryPoints', 'websecure', 'forwardedHeaders', 'trustedIPs'], ingress.trustedProxies);
  document.setIn(
    ['entryPoints', 'websecure', 'transport', 'lifeCycle', 'graceTimeOut'],
    duration(ingress.graceTimeoutMs),
  );
  document.setIn(
    ['entryPoints', 'websecure', 'transport', 'respondingTimeouts', 'readTimeout'],
    duration(READ_TIMEOUT_MS),
  );
  document.setIn(['providers', 'file', 'directory'], placement.ingress.dynamicFolder);
  document.setIn(['accessLog', 'filePath'], placement.ingress.accessLog);
  if (tls.mode === 'acme')
    document.set('certificatesResolvers', {
      [RESOLVER]: { acme: { email: tls.email ?? '', storage: placement.ingress.acmeStorage, tlsChallenge: {} } },
    });
  return print(document);
}

function renderDynamic(topology: Topology, placement: Placement, template: string): string {
  const document = parseDocument(template);
  const { ingress, gateway, control, tls } = topology;
  const rules = {
    vnc: `PathPrefix(\`${ROUTES.viewerPrefix}\`)`,
    websockify: `Path(\`${ROUTES.socketPath}\`)`,
    api: `Path(\`${ROUTES.apiPrefix}\`) || PathPrefix(\`${ROUTES.apiPrefix}/\`)`,
    ui: `Path(\`/\`) || Path(\`${ROUTES.uiPrefix}\`) || PathPrefix(\`${ROUTES.uiPrefix}/\`)`,
  };
  for (const [router, rule] of Object.entries(rules)) {
    document.setIn(['http', 'routers', router, 'rule'], rule);
    if (tls.mode === 'acme') document.setIn(['http', 'routers', router, 'tls'], { certResolver: RESOLVER });
  }
  document.setIn(['http', 'middlewares', 'strip-api', 'stripPrefix', 'prefixes'], [ROUTES.apiPrefix]);
  const servers = {
    gateway: `http://${placement.dial.gateway}:${gateway.port}`,
    control: `http://${placement.dial.control}:${control.port}`,
  };
  for (const [service, url] of Object.entries(servers))
    document.setIn(['http', 'services', service, 'loadBalancer', 'servers'], [{ url }]);
  const timeouts = ['http', 'serversTransports', 'fleet', 'forwardingTimeouts'];
  document.setIn([...timeouts, 'dialTimeout'], duration(ingress.dialTimeoutMs));
  document.setIn([...timeouts, 'responseHeaderTimeout'], duration(ingress.responseHeaderTimeoutMs));
  if (tls.mode !== 'acme') {
    const certificate = { certFile: placement.ingress.certificate, keyFile: placement.ingress.key };
    document.setIn(['tls', 'stores'], { default: { defaultCertificate: certificate } });
    document.setIn(['tls', 'certificates'], [certificate]);
  }
  return print(document);
}

/** The Compose file with the Traefik files that it mounts. */
export function renderCompose(topology: Topology, templates: Templates, version: string): RenderedFile[] {
  const placement = composePlacement(topology);
  const document = parseDocument(templates.compose);
  document.set('name', topology.fleet.id.toLowerCase().replaceAll(/[^a-z0-9_-]/g, '-'));
  const { port, bind } = topology.public;
  document.setIn(['services', 'traefik', 'image'], TRAEFIK_IMAGE);
  document.setIn(['services', 'traefik', 'command'], ['--configFile=/etc/traefik/traefik.yaml']);
  document.setIn(['services', 'traefik', 'ports'], [`${bind}:${port}:${port}`]);
  document.setIn(
    ['services', 'traefik', 'volumes'],
    [
      './traefik/traefik.yaml:/etc/traefik/traefik.yaml:ro',
      './traefik/dynamic:/etc/traefik/dynamic:ro',
      'traefik-logs:/var/log/traefik',
    ],
  );
  document.setIn(
    ['services', 'traefik', 'stop_grace_period'],
    duration(topology.ingress.graceTimeoutMs + STOP_MARGIN_MS),
  );
  for (const service of ['gateway', 'control', 'runner'] as const) {
    document.setIn(['services', service, 'image'], `camofleet/${service}:${version}`);
    document.setIn(['services', service, 'environment'], serviceEnvironment(service, topology, placement));
  }
  document.setIn(
    ['services', 'gateway', 'stop_grace_period'],
    duration(topology.gateway.shutdownGraceMs + STOP_MARGIN_MS),
  );
  const files = topology.tls.mode === 'files';
  document.set('secrets', {
    'token-keys': { file: './.camofleet/secrets/token-keys.json' },
    'operator-key': { file: './.camofleet/secrets/operator.key' },
    'service-key': { file: './.camofleet/secrets/service.key' },
    'tls-certificate': { file: (files && topology.tls.certificate) || './.camofleet/pki/leaf.pem' },
    'tls-key': { file: (files && topology.tls.key) || './.camofleet/pki/leaf.key' },
  });
  const traefik = renderTraefik(topology, placement, templates);
  return [
    { path: 'compose.yaml', text: print(document) },
    { path: 'traefik/traefik.yaml', text: traefik.static },
    { path: 'traefik/dynamic/camofleet.yaml', text: traefik.dynamic },
  ];
}

function duration(ms: number): string {
  return ms % 1_000 === 0 ? `${ms / 1_000}s` : `${ms}ms`;
}

/** The document as text, under a line that says where it comes from; comments of the template stay. */
function print(document: Document): string {
  document.commentBefore = document.commentBefore ? `${HEADER}\n${document.commentBefore}` : HEADER.trimEnd();
  return document.toString({ lineWidth: 120 });
}
