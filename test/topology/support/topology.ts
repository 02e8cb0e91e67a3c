import { join } from 'node:path';
import { type Templates, type Topology, loadTemplates, parseTopology } from '../../../src/topology/index.ts';

export const PACKAGE_ROOT = join(import.meta.dirname, '..', '..', '..');

/** The topology of a text that must be right. */
export function topologyOf(text: string): Topology {
  const parsed = parseTopology(text);
  if ('problems' in parsed)
    throw new Error(parsed.problems.map(({ path, message }) => `${path} ${message}`).join('\n'));
  return parsed.topology;
}

/** The templates of the package; nothing is ejected. */
export function packageTemplates(): Promise<Templates> {
  return loadTemplates(PACKAGE_ROOT, join(PACKAGE_ROOT, 'no-such-folder'));
}

/** Topologies that differ in everything that is rendered, by name. */
export const EXAMPLES: Readonly<Record<string, string>> = {
  throwaway: 'fleet: { id: lab }\n',
  files: `
fleet: { id: Prod_1.eu }
logLevel: debug
public: { host: fleet.example.com, port: 443, bind: "::" }
tls: { mode: files, certificate: certs/fleet.pem, key: certs/fleet.key }
ingress: { trustedProxies: [10.0.0.5, 192.0.2.0/24], graceTimeoutMs: 7500, dialTimeoutMs: 2500, responseHeaderTimeoutMs: 45000, readTimeoutMs: 90000 }
gateway: { port: 7900, internalPort: 7901, pingIntervalMs: 10000, shutdownGraceMs: 40500, allowedOrigins: ["https://wall.example"], frameAncestors: ["'self'", "https://wall.example"] }
runner:
  name: eu-1
  port: 7070
  internalPort: 7071
  displays: { min: 300, max: 309 }
  rfbPorts: { min: 6000, max: 6009 }
  maxSessions: 10
  startUrl: https://example.com/?a=$HOME&b={c}
  browsers: { demo: { command: [demo, --money=$5, "{url}"] } }
  defaultBrowser: demo
  prewarm: { vnc: 2, headless: 1 }
control: { port: 7000, internalPort: 7001, tokenTtlSeconds: 60, requestTimeoutSeconds: 40 }
edge: [{ name: nginx, idleTimeoutMs: 60000 }]
`,
  acme: `
fleet: { id: acme }
public: { host: fleet.example.com, port: 443, bind: 0.0.0.0 }
tls: { mode: acme, email: ops@example.com }
ingress: { kind: traefik }
gateway: { identity: open }
`,
  labels: `
fleet: { id: labels }
engine: compose
public: { host: fleet.example.com, port: 443, httpPort: 80, bind: 0.0.0.0 }
tls: { mode: acme, email: ops@example.com }
ingress: { provider: docker }
`,
  hosts: `
fleet: { id: wide }
engine: compose
public: { host: fleet.example.com, port: 443, bind: 0.0.0.0 }
runner: { hosts: [10.8.0.2, 10.8.0.3], rfbPorts: { min: 5900, max: 5919 } }
`,
};
