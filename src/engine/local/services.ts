import { mkdir, writeFile } from 'node:fs/promises';
import { platform } from 'node:os';
import { join } from 'node:path';
import { CamofleetError, randomId } from '../../core/index.js';
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
import { type Readiness, readinessOf } from './readiness.js';
import type { ServiceName } from './record.js';

/** A service as the supervisor runs it. */
export interface ServicePlan extends Readiness {
  readonly name: ServiceName;
  readonly spec: ProcessSpec;
  /** Services that must be ready before this one starts. */
  readonly after: readonly ServiceName[];
  /** Between SIGTERM and SIGKILL. */
  readonly stopGraceMs: number;
  /** It does not wait for better times while it stops: on this host none will come. */
  readonly hurries: boolean;
  /** Its successor can run beside it, on the same ports. */
  readonly overlaps: boolean;
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
/** For browsers, x11vnc and Xvfb, one after the other. */
const RUNNER_GRACE_MS = 12_000;

/** The services of a fleet in the order of their start. */
export async function planServices(input: PlanInput): Promise<readonly ServicePlan[]> {
  const { topology, paths } = input;
  const temporary = join(paths.run, 'tmp');
  await mkdir(temporary, { recursive: true, mode: 0o700 });
  const base = baseEnvironment(input.env, temporary);
  // Two of it may run at once, for a while: control must tell them apart, and so must we.
  const gatewayId = `gateway-${randomId()}`;
  const sharesPorts = platform() === 'linux';
  const more: Readonly<Record<string, Record<string, string>>> = {
    gateway: { CAMOFLEET_GATEWAY_ID: gatewayId, CAMOFLEET_GATEWAY_REUSE_PORT: String(sharesPorts) },
  };
  const ours = (name: 'runner' | 'control' | 'gateway'): ProcessSpec => ({
    name,
    file: input.self.execPath,
    args: [input.self.entryPoint, name],
    env: { ...base, ...serviceEnvironment(name, topology, input.placement), ...more[name] },
    cwd: paths.root,
    logFile: serviceLog(paths, name),
    lifeline: true,
  });
  const readiness = readinessOf(topology, input.placement, paths, gatewayId);
  const plan = (
    name: ServiceName,
    spec: ProcessSpec,
    after: readonly ServiceName[],
    ownGraceMs: number,
  ): ServicePlan => ({
    name,
    spec,
    after,
    ...readiness[name],
    stopGraceMs: ownGraceMs + STOP_MARGIN_MS,
    hurries: name === 'gateway',
    overlaps: name === 'gateway' && sharesPorts,
  });
  return [
    plan('runner', ours('runner'), [], RUNNER_GRACE_MS),
    plan('control', ours('control'), ['runner'], 0),
    plan('gateway', ours('gateway'), ['control'], topology.gateway.shutdownGraceMs),
    plan('ingress', await ingressSpec(input, base), ['control', 'gateway'], topology.ingress.graceTimeoutMs),
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

/** Whether this fleet's ingress will be Traefik; throws when the topology needs it and none is there. */
export function chooseIngress({ ingress, tls }: Topology, traefik: string | undefined): 'traefik' | 'embedded' {
  const needs = [
    ...(ingress.kind === 'traefik' ? ['ingress.kind is traefik'] : []),
    ...(tls.mode === 'acme' ? ['tls.mode is acme'] : []),
  ];
  if (needs.length > 0 && traefik === undefined)
    throw new CamofleetError(
      'CF_COMPONENT_MISSING',
      `no traefik is on PATH, and in camofleet.yaml ${needs.join(' and ')}`,
    );
  return ingress.kind !== 'embedded' && traefik !== undefined ? 'traefik' : 'embedded';
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
