import { resolve } from 'node:path';
import { isLoopback, urlHost } from '../core/index.js';
import { CONTROL_ALIAS, GATEWAY_ALIAS, RFB_ALIAS, SERVICE_HOSTS, type Topology } from './model.js';
import type { FleetPaths } from './state.js';

/** What an engine decides beside the topology: where services listen, how they reach each other, where files lie. */
export interface Placement {
  /** Address that services bind. */
  readonly bind: string;
  /** The address that control's public listener binds: what a runner's network does not reach, where there is such a one. */
  readonly controlBind: string;
  /** Addresses of the internal listeners; only control's is dialled by another service. */
  readonly internalBind: { readonly gateway: string; readonly runner: string; readonly control: string };
  /** Hosts that others dial. */
  readonly dial: { readonly gateway: string; readonly runner: string; readonly control: string };
  /**
   * The gateway's replicas by host, where an engine knows them one by one: the ingress then asks each whether it takes new
   * sockets. With one there is nobody else to send them to, and its own answer says more than the ingress could.
   */
  readonly gateways: readonly string[];
  /**
   * The name with every gateway behind it, as the ingress reaches them, where control tells the ingress of each; undefined
   * where the ingress knows them by its own file.
   */
  readonly gatewaysName: string | undefined;
  /** Whether the ingress has its routes from the labels of containers. */
  readonly labels: boolean;
  /** Whether `dial.runner` is the name of all runners, behind which control finds each. */
  readonly runnersShareName: boolean;
  /** Other hosts on which runners stand, each a worker of its own; empty: `dial.runner` leads to them. */
  readonly runnerHosts: readonly string[];
  /** Where RFB servers are: what the runner binds and tokens lead to, and the hosts that the gateway may dial. */
  readonly rfb: { readonly advertise: string; readonly allowed: readonly string[] };
  /** Addresses that the ingress dials from, whose X-Forwarded-* are believed. */
  readonly ingressAddresses: readonly string[];
  readonly ingress: {
    /** `127.0.0.1:8443` */
    readonly address: string;
    readonly isLoopback: boolean;
    /** The same without TLS; undefined where no such port is wanted. */
    readonly plainAddress: string | undefined;
    /** Where metrics and health checks are answered; undefined where no such listener is wanted. */
    readonly internalAddress: string | undefined;
    readonly accessLog: string;
    readonly dynamicFolder: string;
    readonly certificate: string;
    readonly key: string;
    readonly acmeStorage: string;
  };
  readonly files: {
    readonly tokenKeys: string;
    readonly operatorKey: string;
    readonly serviceKey: string;
    readonly runnerState: string;
    readonly controlState: string;
  };
}

const LOOPBACK = '127.0.0.1';
const EVERYWHERE = '0.0.0.0';
/** Networks that Docker takes bridges from; only our own containers are on them. */
const BRIDGE_NETWORKS = ['172.16.0.0/12', '192.168.0.0/16', '10.0.0.0/8'];

/** Everything on this host and on loopback. */
export function localPlacement(topology: Topology, paths: FleetPaths): Placement {
  const { bind, port, httpPort } = topology.public;
  const { mode, certificate, key } = topology.tls;
  const own = (file: string | undefined): string | undefined =>
    mode === 'files' && file ? resolve(paths.root, file) : undefined;
  return {
    bind: LOOPBACK,
    controlBind: LOOPBACK,
    internalBind: { gateway: LOOPBACK, runner: LOOPBACK, control: LOOPBACK },
    dial: { gateway: LOOPBACK, runner: LOOPBACK, control: LOOPBACK },
    gateways: [LOOPBACK],
    gatewaysName: undefined,
    labels: false,
    runnersShareName: false,
    runnerHosts: [],
    rfb: { advertise: LOOPBACK, allowed: [LOOPBACK] },
    ingressAddresses: [LOOPBACK, '::1'],
    ingress: {
      address: `${urlHost(bind)}:${port}`,
      isLoopback: isLoopback(bind),
      plainAddress: httpPort === undefined ? undefined : `${urlHost(bind)}:${httpPort}`,
      internalAddress: undefined,
      accessLog: paths.accessLog,
      dynamicFolder: `${paths.rendered('local')}/dynamic`,
      certificate: own(certificate) ?? paths.leafCertificate,
      key: own(key) ?? paths.leafKey,
      acmeStorage: paths.acmeStorage,
    },
    files: {
      tokenKeys: paths.tokenKeys,
      operatorKey: paths.operatorKey,
      serviceKey: paths.serviceKey,
      runnerState: paths.runnerState,
      controlState: paths.controlState,
    },
  };
}

/** Containers of a stack: as on Compose, but on any node of the swarm, and reached at its every address. */
export function swarmPlacement(topology: Topology): Placement {
  const { rfbNetwork } = topology.swarm;
  const compose = composePlacement(topology);
  return {
    ...compose,
    controlBind: EVERYWHERE,
    gatewaysName: GATEWAY_ALIAS,
    labels: false,
    runnersShareName: true,
    runnerHosts: [],
    rfb: { advertise: rfbNetwork, allowed: [rfbNetwork] },
    ingress: { ...compose.ingress, isLoopback: false },
  };
}

/** Containers of one Compose project; services find each other by name. */
export function composePlacement(topology: Topology): Placement {
  const labels = topology.ingress.provider === 'docker';
  const { hosts } = topology.runner;
  return {
    bind: EVERYWHERE,
    controlBind: CONTROL_ALIAS,
    // Browsers run beside the runner's listeners: whoever takes one over must not reach another service's drain.
    internalBind: { gateway: LOOPBACK, runner: LOOPBACK, control: EVERYWHERE },
    dial: { gateway: SERVICE_HOSTS.gateway, runner: SERVICE_HOSTS.runner, control: SERVICE_HOSTS.control },
    gateways: [SERVICE_HOSTS.gateway],
    gatewaysName: labels ? undefined : GATEWAY_ALIAS,
    labels,
    runnersShareName: hosts.length === 0,
    runnerHosts: hosts,
    // A replica finds its own address behind the name; tokens carry the address, or that of its host.
    rfb: { advertise: RFB_ALIAS, allowed: hosts.length > 0 ? hosts : BRIDGE_NETWORKS },
    ingressAddresses: BRIDGE_NETWORKS,
    ingress: {
      address: `:${topology.public.port}`,
      isLoopback: isLoopback(topology.public.bind),
      plainAddress: topology.public.httpPort === undefined ? undefined : `:${topology.public.httpPort}`,
      internalAddress: `:${topology.ingress.internalPort}`,
      accessLog: '/var/log/traefik/traefik-access.log',
      dynamicFolder: '/etc/traefik/dynamic',
      certificate: '/run/secrets/tls-certificate',
      key: '/run/secrets/tls-key',
      acmeStorage: '/var/lib/traefik/acme.json',
    },
    files: {
      tokenKeys: '/run/secrets/token-keys',
      operatorKey: '/run/secrets/operator-key',
      serviceKey: '/run/secrets/service-key',
      runnerState: '/tmp/camofleet',
      controlState: '/var/lib/camofleet',
    },
  };
}
