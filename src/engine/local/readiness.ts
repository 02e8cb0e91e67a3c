import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { z } from 'zod';
import { errorText } from '../../core/index.js';
import { type FleetPaths, type Placement, ROUTES, type Topology } from '../../topology/index.js';
import { type Answer, ask } from './ask.js';
import type { ServiceName } from './record.js';

/** True, or in words what was seen instead. */
export type Probe = (signal: AbortSignal) => Promise<true | string>;

export interface Readiness {
  /** It does its own part. A service that is started again must do so in time. */
  readonly ready: Probe;
  /** It sees those that it works with: the fleet as a whole is up only then. */
  readonly joined: Probe;
}

const workersSchema = z.array(z.object({ name: z.string(), reachable: z.boolean().nullable() }));
const readyzSchema = z.object({ control: z.string(), gateway: z.string() });

const always: Probe = async () => true;

/** What is asked of each service before it counts as ready. */
export function readinessOf(
  topology: Topology,
  { dial }: Placement,
  paths: FleetPaths,
  gatewayId: string,
): Readonly<Record<ServiceName, Readiness>> {
  const runner = `http://${dial.runner}:${topology.runner.port}`;
  const control = `http://${dial.control}:${topology.control.port}`;
  const gateway = `http://${dial.gateway}:${topology.gateway.port}`;
  return {
    runner: { ready: probe(`${runner}/health`, isOk, () => bearer(paths.serviceKey)), joined: always },
    control: {
      ready: probe(`${control}/health`, isOk),
      joined: probe(`${control}/workers`, seesRunners, () => bearer(paths.operatorKey)),
    },
    gateway: {
      ready: probe(`${gateway}/readyz`, (answer) => isGateway(answer, gatewayId)),
      joined: probe(`${gateway}/readyz`, (answer) => seesControl(answer, gatewayId)),
    },
    ingress: {
      ready: publicProbe(topology, paths, ROUTES.apiPrefix, () => true),
      joined: async (signal) => {
        const viaControl = await publicProbe(topology, paths, `${ROUTES.apiPrefix}/health`, isOk)(signal);
        if (viaControl !== true) return viaControl;
        return publicProbe(topology, paths, `${ROUTES.viewerPrefix}up`, isOk)(signal);
      },
    },
  };
}

function isOk({ status }: Answer): true | string {
  return status === 200 || `answered ${status}`;
}

function seesRunners(answer: Answer): true | string {
  if (answer.status !== 200) return `answered ${answer.status}`;
  const lost = workersSchema.parse(JSON.parse(answer.body)).filter(({ reachable }) => reachable !== true);
  return lost.length === 0 || `does not reach ${lost.map(({ name }) => name).join(', ')} yet`;
}

/** While two share the port either may answer. */
function isGateway(answer: Answer, id: string): true | string {
  if (answer.status !== 200) return `answered ${answer.status}`;
  return readyzSchema.parse(JSON.parse(answer.body)).gateway === id || 'is still the one before';
}

function seesControl(answer: Answer, id: string): true | string {
  const own = isGateway(answer, id);
  if (own !== true) return own;
  const { control } = readyzSchema.parse(JSON.parse(answer.body));
  return control === 'ok' || `control is ${control}`;
}

function bearer(keyFile: string): Record<string, string> {
  return { authorization: `Bearer ${readFileSync(keyFile, 'utf8').trim()}` };
}

function probe(
  url: string,
  judge: (answer: Answer) => true | string,
  headers: () => Record<string, string> = () => ({}),
): Probe {
  return async (signal) => {
    try {
      const said = judge(await ask(new URL(url), { signal, headers: headers() }));
      return said === true || `${url} ${said}`;
    } catch (error) {
      return `${url}: ${errorText(error)}`;
    }
  };
}

/** At the public port, through TLS and a route. Whether others trust the chain is for verify to say. */
function publicProbe(
  { public: { bind, host, port }, tls }: Topology,
  paths: FleetPaths,
  path: string,
  judge: (answer: Answer) => true | string,
): Probe {
  const address = bind === '0.0.0.0' || bind === '::' ? '127.0.0.1' : bind;
  return async (signal) => {
    try {
      const answer = await ask(new URL(`https://${host}:${port}${path}`), {
        signal,
        host: address,
        headers: { host: `${host}:${port}` },
        ...(!isIP(host) && { servername: host }),
        ...(tls.mode === 'throwaway' ? { ca: readFileSync(paths.caCertificate) } : { rejectUnauthorized: false }),
      });
      const said = judge(answer);
      return said === true || `the public port ${said} for ${path}`;
    } catch (error) {
      return `the public port: ${errorText(error)}`;
    }
  };
}
