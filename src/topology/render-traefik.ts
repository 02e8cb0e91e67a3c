import { parse } from 'yaml';
import { composeProject } from './compose-state.js';
import { GATEWAYS_PATH } from '../settings/index.js';
import { duration } from './duration.js';
import { Form } from './form.js';
import { READY_PATH, ROUTES, type Topology } from './model.js';
import type { Placement } from './placement.js';
import type { Template } from './templates.js';
import { FLEET_LABEL, type HttpSection, type ServiceLabels, labelsOf } from './traefik-labels.js';

/** The entry point without TLS. */
const PLAIN = 'web';
/** The entry point of metrics and of the answer to health checks. */
const INTERNAL = 'internal';
const RESOLVER = 'camofleet-tls';
/** What a TLS challenge speaks; Traefik answers it only when its own list of protocols names it. */
const TLS_CHALLENGE_PROTOCOL = 'acme-tls/1';

/** Traefik's static file: the entry point, its timers, the access log. */
export function renderStatic(topology: Topology, placement: Placement, template: Template): string {
  const { ingress, tls, control } = topology;
  const form = new Form(template);
  const entryPoint = ['entryPoints', 'websecure'];
  form.set([...entryPoint, 'address'], placement.ingress.address);
  form.set([...entryPoint, 'forwardedHeaders', 'trustedIPs'], ingress.trustedProxies);
  form.set([...entryPoint, 'transport', 'lifeCycle', 'graceTimeOut'], duration(ingress.graceTimeoutMs));
  form.set([...entryPoint, 'transport', 'respondingTimeouts', 'readTimeout'], duration(ingress.readTimeoutMs));
  form.set(['providers', 'file', 'directory'], placement.ingress.dynamicFolder);
  if (placement.gatewaysName !== undefined)
    form.set(['providers', 'http'], {
      endpoint: `http://${placement.dial.control}:${control.internalPort}${GATEWAYS_PATH}`,
      pollInterval: duration(ingress.healthIntervalMs),
      pollTimeout: duration(ingress.healthIntervalMs * 2),
    });
  if (placement.labels)
    form.set(['providers', 'docker'], {
      exposedByDefault: false,
      constraints: `Label(\`${FLEET_LABEL}\`,\`${composeProject(topology)}\`)`,
    });
  form.set(['accessLog', 'filePath'], placement.ingress.accessLog);
  if (placement.ingress.plainAddress !== undefined)
    form.set(['entryPoints', PLAIN], { address: placement.ingress.plainAddress });
  if (placement.ingress.internalAddress !== undefined) {
    form.set(['entryPoints', INTERNAL], { address: placement.ingress.internalAddress });
    form.set(['ping'], { entryPoint: INTERNAL });
    form.set(['metrics'], { prometheus: { entryPoint: INTERNAL, addRoutersLabels: true } });
  }
  if (tls.mode === 'acme')
    form.set(['certificatesResolvers', RESOLVER], {
      acme: { email: tls.email ?? '', storage: placement.ingress.acmeStorage, tlsChallenge: {} },
    });
  return form.toString();
}

/**
 * Traefik's dynamic file: routes, services, certificates; where containers have the routes as labels, what these cannot
 * say. What an ejected template left out stays out.
 */
export function renderDynamic(topology: Topology, placement: Placement, template: Template): string {
  const form = filled(topology, placement, template);
  if (placement.labels) leaveRoutesToLabels(form);
  return form.toString();
}

/** The labels of the containers that the routes of the dynamic file lead to. */
export function renderLabels(topology: Topology, placement: Placement, template: Template): ServiceLabels {
  return labelsOf(httpOf(filled(topology, placement, template)), topology);
}

function httpOf(form: Form): HttpSection {
  const { http } = parse(form.toString()) as { readonly http?: HttpSection };
  return http ?? {};
}

/** Behind every rule of a label, whose priority is its length. */
const LAST = 1;

/** Labels go with their containers: while none of a service runs, the file answers 503 where nothing would answer 404. */
function leaveRoutesToLabels(form: Form): void {
  const { routers = {}, services = {} } = httpOf(form);
  for (const [name, { service, middlewares = [] }] of Object.entries(routers)) {
    if (service === undefined || !(service in services)) continue;
    form.set(['http', 'routers', name, 'priority'], LAST);
    form.remove('http', 'routers', name, 'middlewares');
    for (const middleware of middlewares) form.remove('http', 'middlewares', middleware);
  }
  if (Object.keys(httpOf(form).middlewares ?? {}).length === 0) form.remove('http', 'middlewares'); // Traefik takes no empty one
  for (const name of Object.keys(services)) form.set(['http', 'services', name, 'loadBalancer', 'servers'], []);
}

function filled(topology: Topology, placement: Placement, template: Template): Form {
  const form = new Form(template);
  fillRoutes(form, topology);
  fillServices(form, topology, placement);
  if (placement.gatewaysName !== undefined) leaveGatewaysToControl(form);
  if (placement.ingress.plainAddress !== undefined) fillRedirect(form, topology);
  fillCertificates(form, topology, placement);
  return form;
}

function fillRoutes(form: Form, { tls, public: publicSide }: Topology): void {
  const rules = {
    vnc: `PathPrefix(\`${ROUTES.viewerPrefix}\`)`,
    websockify: `Path(\`${ROUTES.socketPath}\`)`,
    api: `Path(\`${ROUTES.apiPrefix}\`) || PathPrefix(\`${ROUTES.apiPrefix}/\`)`,
    ui: `Path(\`/\`) || Path(\`${ROUTES.uiPrefix}\`) || PathPrefix(\`${ROUTES.uiPrefix}/\`)`,
  };
  for (const [name, rule] of Object.entries(rules)) {
    const router = ['http', 'routers', name];
    if (!form.has(...router)) continue;
    form.set([...router, 'rule'], rule);
    // No rule names the host: without `domains` nothing would be asked of the authority.
    if (tls.mode === 'acme')
      form.set([...router, 'tls'], { certResolver: RESOLVER, domains: [{ main: publicSide.host }] });
  }
  const strip = ['http', 'middlewares', 'strip-api', 'stripPrefix', 'prefixes'];
  if (form.has(...strip)) form.set(strip, [ROUTES.apiPrefix]);
}

function fillServices(form: Form, { gateway, control, ingress }: Topology, { dial, gateways }: Placement): void {
  const servers = {
    gateway: gateways.map((host) => ({ url: `http://${host}:${gateway.port}` })),
    control: [{ url: `http://${dial.control}:${control.port}` }],
  };
  for (const [name, urls] of Object.entries(servers)) {
    const balancer = ['http', 'services', name, 'loadBalancer'];
    if (!form.has('http', 'services', name)) continue;
    form.set([...balancer, 'servers'], urls);
    if (urls.length > 1)
      form.set([...balancer, 'healthCheck'], {
        path: READY_PATH,
        interval: duration(ingress.healthIntervalMs),
        timeout: duration(ingress.healthTimeoutMs),
      });
  }
  const timeouts = ['http', 'serversTransports', 'fleet', 'forwardingTimeouts'];
  if (!form.has(...timeouts)) return;
  form.set([...timeouts, 'dialTimeout'], duration(ingress.dialTimeoutMs));
  form.set([...timeouts, 'responseHeaderTimeout'], duration(ingress.responseHeaderTimeoutMs));
}

/** Pages alone: a client of WebSocket does not follow, and a token must not be sent a second time in the open. */
function fillRedirect(form: Form, { public: { port } }: Topology): void {
  form.set(['http', 'middlewares', 'to-https'], {
    redirectScheme: { scheme: 'https', port: String(port), permanent: true },
  });
  form.set(['http', 'routers', 'to-https'], {
    entryPoints: [PLAIN],
    rule: 'PathPrefix(`/`) && !HeaderRegexp(`Upgrade`, `(?i)^websocket$`)',
    middlewares: ['to-https'],
    service: 'noop@internal',
  });
}

/** Two providers must not name the same service: routes then lead to the one of control. */
function leaveGatewaysToControl(form: Form): void {
  if (form.has('http', 'services', 'gateway')) form.remove('http', 'services', 'gateway');
  for (const router of ['vnc', 'websockify'])
    if (form.has('http', 'routers', router)) form.set(['http', 'routers', router, 'service'], 'gateway@http');
}

function fillCertificates(form: Form, { tls }: Topology, { ingress }: Placement): void {
  const protocols = ['tls', 'options', 'default', 'alpnProtocols'];
  if (tls.mode === 'acme') {
    form.set(protocols, ['http/1.1', TLS_CHALLENGE_PROTOCOL]);
    return;
  }
  const certificate = { certFile: ingress.certificate, keyFile: ingress.key };
  form.set(['tls', 'stores'], { default: { defaultCertificate: certificate } });
  form.set(['tls', 'certificates'], [certificate]);
}
