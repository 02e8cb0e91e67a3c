import { mkdir, writeFile } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { request as httpsRequest } from 'node:https';
import { join } from 'node:path';
import { request } from 'undici';
import { CamofleetError, errorText } from '../../core/index.js';
import type { ProcessSpec } from '../../processes/index.js';
import {
  type FleetPaths,
  type Placement,
  type Templates,
  type Topology,
  renderTraefik,
  serviceEnvironment,
  serviceLog,
} from '../../topology/index.js';
import type { ServiceRecord } from './record.js';

export type ServiceId = ServiceRecord['name'];

/** A service as the supervisor runs it. */
export interface ServicePlan {
  readonly name: ServiceId;
  readonly spec: ProcessSpec;
  /** Services that must be ready before this one starts. */
  readonly after: readonly ServiceId[];
  /** True, or in words what was seen instead. */
  readonly ready: (signal: AbortSignal) => Promise<true | string>;
  /** Between SIGTERM and SIGKILL. */
  readonly stopGraceMs: number;
}

export interface PlanInput {
  readonly topology: Topology;
  readonly paths: FleetPaths;
  readonly placement: Placement;
  readonly templates: Templates;
  /** Node and bin/run.js. */
  readonly self: { readonly execPath: string; readonly entryPoint: string };
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly programs: { readonly traefik: string | undefined; readonly setpriv: string | undefined };
}

/** On top of what a service itself allows, for its own clean-up. */
const STOP_MARGIN_MS = 3_000;
const ANSWER_MS = 2_000;

/** The services of a fleet in the order of their start. */
export async function planServices(input: PlanInput): Promise<readonly ServicePlan[]> {
  const { topology, paths } = input;
  const serviceKey = (): string => readFileSync(paths.serviceKey, 'utf8').trim();
  const temporary = join(paths.run, 'tmp');
  await mkdir(temporary, { recursive: true, mode: 0o700 });
  const base = baseEnvironment(input.env, temporary);
  const ours = (name: 'runner' | 'control' | 'gateway'): ProcessSpec => ({
    name,
    file: input.self.execPath,
    args: [input.self.entryPoint, name],
    env: { ...base, ...serviceEnvironment(name, topology, input.placement) },
    cwd: paths.root,
    logFile: serviceLog(paths, name),
    lifeline: true,
  });
  const { dial } = input.placement;
  return [
    {
      name: 'runner',
      spec: ours('runner'),
      after: [],
      ready: () =>
        answersOk(`http://${dial.runner}:${topology.runner.port}/health`, { authorization: `Bearer ${serviceKey()}` }),
      stopGraceMs: 5_000 + STOP_MARGIN_MS,
    },
    {
      name: 'control',
      spec: ours('control'),
      after: [],
      ready: () => answersOk(`http://${dial.control}:${topology.control.port}/health`),
      stopGraceMs: STOP_MARGIN_MS,
    },
    {
      name: 'gateway',
      spec: ours('gateway'),
      after: [],
      ready: () => answersOk(`http://${dial.gateway}:${topology.gateway.port}/readyz`),
      stopGraceMs: topology.gateway.shutdownGraceMs + STOP_MARGIN_MS,
    },
    {
      name: 'ingress',
      spec: await ingressSpec(input, base),
      after: ['control', 'gateway'],
      ready: () => reachesControl(topology, paths),
      stopGraceMs: topology.ingress.graceTimeoutMs + STOP_MARGIN_MS,
    },
  ];
}

async function ingressSpec(input: PlanInput, base: Record<string, string>): Promise<ProcessSpec> {
  const { topology, paths, placement } = input;
  const shared = { name: 'ingress', cwd: paths.root, logFile: serviceLog(paths, 'ingress') };
  if (input.programs.traefik !== undefined) {
    const files = renderTraefik(topology, placement, input.templates);
    const staticFile = join(paths.rendered('local'), 'traefik.yaml');
    await mkdir(placement.ingress.dynamicFolder, { recursive: true, mode: 0o700 });
    await writeFile(staticFile, files.static, { mode: 0o600 });
    await writeFile(join(placement.ingress.dynamicFolder, 'camofleet.yaml'), files.dynamic, { mode: 0o600 });
    return {
      ...shared,
      file: input.programs.traefik,
      args: [`--configfile=${staticFile}`],
      env: base,
      setpriv: input.programs.setpriv,
    };
  }
  const { dial, ingress } = placement;
  const flags: Readonly<Record<string, string>> = {
    host: topology.public.bind,
    port: String(topology.public.port),
    certificate: ingress.certificate,
    key: ingress.key,
    'access-log': ingress.accessLog,
    gateway: `http://${dial.gateway}:${topology.gateway.port}`,
    control: `http://${dial.control}:${topology.control.port}`,
    grace: String(topology.ingress.graceTimeoutMs),
    'response-timeout': String(topology.ingress.responseHeaderTimeoutMs),
  };
  const args = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, value]);
  return {
    ...shared,
    file: input.self.execPath,
    args: [input.self.entryPoint, 'ingress', ...args],
    env: base,
    lifeline: true,
  };
}

/** Whether this fleet's ingress will be Traefik; throws when the topology insists and none is there. */
export function chooseIngress(topology: Topology, traefik: string | undefined): 'traefik' | 'embedded' {
  if (topology.ingress.kind === 'traefik' && traefik === undefined)
    throw new CamofleetError(
      'CF_COMPONENT_MISSING',
      'ingress.kind is traefik in camofleet.yaml, and no traefik is on PATH',
    );
  return topology.ingress.kind !== 'embedded' && traefik !== undefined ? 'traefik' : 'embedded';
}

/** What a child gets of our own environment: where programs are, and nothing that may be a secret. */
function baseEnvironment(env: Readonly<Record<string, string | undefined>>, temporary: string): Record<string, string> {
  return {
    PATH: env['PATH'] ?? '',
    HOME: env['HOME'] ?? temporary,
    LANG: 'C.UTF-8',
    TMPDIR: temporary,
    NODE_ENV: 'production',
  };
}

async function answersOk(url: string, headers: Record<string, string> = {}): Promise<true | string> {
  try {
    const { statusCode, body } = await request(url, { headers, headersTimeout: ANSWER_MS, bodyTimeout: ANSWER_MS });
    await body.dump();
    return statusCode === 200 || `${url} answered ${statusCode}`;
  } catch (error) {
    return `${url}: ${errorText(error)}`;
  }
}

/** One request at the public port, through TLS and a route, to control. */
function reachesControl(topology: Topology, paths: FleetPaths): Promise<true | string> {
  const { bind, host, port } = topology.public;
  return new Promise((resolve) => {
    const asked = httpsRequest(
      {
        host: bind === '0.0.0.0' || bind === '::' ? '127.0.0.1' : bind,
        port,
        path: '/api/health',
        servername: host,
        headers: { host: `${host}:${port}` },
        agent: false,
        timeout: ANSWER_MS,
        // Whether the chain is trusted is for verify to say; here only the way is looked at.
        ...(topology.tls.mode === 'throwaway'
          ? { ca: readFileSync(paths.caCertificate) }
          : { rejectUnauthorized: false }),
      },
      (response) => {
        response.resume();
        resolve(response.statusCode === 200 || `the public port answered ${response.statusCode}`);
      },
    );
    asked.on('timeout', () => asked.destroy(new Error('no answer in time')));
    asked.on('error', (error) => resolve(errorText(error)));
    asked.end();
  });
}
