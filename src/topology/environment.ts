import { SERVICES, type ServiceName } from '../settings/index.js';
import { urlHost } from '../core/index.js';
import { ROUTES, type Topology, pageTemplate, publicOrigin, socketTemplate } from './model.js';
import type { Placement } from './placement.js';

/** The environment that gives one service what the topology says; secrets are paths. */
export function serviceEnvironment(
  service: ServiceName,
  topology: Topology,
  placement: Placement,
): Record<string, string> {
  switch (service) {
    case 'gateway':
      return SERVICES.gateway.toEnv(gatewayValues(topology, placement));
    case 'runner':
      return SERVICES.runner.toEnv(runnerValues(topology, placement));
    case 'control':
      return SERVICES.control.toEnv(controlValues(topology, placement));
  }
}

function gatewayValues(
  { gateway, control, runner, fleet, public: publicSide, ingress, logLevel }: Topology,
  placement: Placement,
): Record<string, string> {
  const open = gateway.identity === 'open';
  return {
    host: placement.bind,
    port: String(gateway.port),
    internalHost: placement.internalBind.gateway,
    internalPort: String(gateway.internalPort),
    fleetId: fleet.id,
    tokenKeysFile: placement.files.tokenKeys,
    serviceKeyFile: placement.files.serviceKey,
    controlUrl: `http://${placement.dial.control}:${control.internalPort}`,
    allowedTargets: placement.rfb.allowed
      .map((host) => `${urlHost(host)}:${runner.rfbPorts.min}-${runner.rfbPorts.max}`)
      .join(','),
    identity: gateway.identity,
    ...(open && {
      defaultHost: placement.dial.runner,
      webRange: `${gateway.webRange.min}-${gateway.webRange.max}`,
      basePort: String(gateway.basePort),
    }),
    pingIntervalMs: String(gateway.pingIntervalMs),
    readTimeoutMs: String(gateway.readTimeoutMs),
    writeTimeoutMs: String(gateway.writeTimeoutMs),
    idleTimeoutMs: String(gateway.idleTimeoutMs),
    connectTimeoutMs: String(gateway.connectTimeoutMs),
    greetingTimeoutMs: String(gateway.greetingTimeoutMs),
    shutdownGraceMs: String(gateway.shutdownGraceMs),
    drainDelayMs: String(gateway.drainDelayMs),
    maxSessions: String(gateway.maxSessions),
    failedAttemptsPerMinute: String(gateway.failedAttemptsPerMinute),
    allowedOrigins: [publicOrigin({ public: publicSide }), ...gateway.allowedOrigins].join(','),
    trustedProxies: [...placement.ingressAddresses, ...ingress.trustedProxies].join(','),
    frameAncestors: gateway.frameAncestors.join(','),
    logLevel,
  };
}

function runnerValues({ runner, logLevel }: Topology, placement: Placement): Record<string, string> {
  return {
    host: placement.bind,
    port: String(runner.port),
    internalHost: placement.internalBind.runner,
    internalPort: String(runner.internalPort),
    name: runner.name,
    advertiseHost: placement.rfb.advertise,
    serviceKeyFile: placement.files.serviceKey,
    stateDir: placement.files.runnerState,
    displayMin: String(runner.displays.min),
    displayMax: String(runner.displays.max),
    rfbPortMin: String(runner.rfbPorts.min),
    rfbPortMax: String(runner.rfbPorts.max),
    wsPortMin: String(runner.legacyIds.min),
    wsPortMax: String(runner.legacyIds.max),
    resolution: runner.resolution,
    idleTtlSeconds: String(runner.idleTtlSeconds),
    startUrl: runner.startUrl,
    startupTimeoutSeconds: String(runner.startupTimeoutSeconds),
    maxSessions: String(runner.maxSessions),
    prewarmVnc: String(runner.prewarm.vnc),
    prewarmHeadless: String(runner.prewarm.headless),
    browsers: JSON.stringify(runner.browsers),
    defaultBrowser: runner.defaultBrowser,
    logLevel,
  };
}

function controlValues(topology: Topology, placement: Placement): Record<string, string> {
  const { control, runner, fleet, ingress, logLevel } = topology;
  const workerAt = (name: string, host: string): object => ({
    name,
    url: `http://${urlHost(host)}:${runner.port}`,
    supports_vnc: true,
    vnc_ws: socketTemplate(topology),
    vnc_http: pageTemplate(topology),
    ...(placement.runnersShareName && { discover: true }),
  });
  const workers =
    placement.runnerHosts.length > 0
      ? placement.runnerHosts.map((host) => workerAt(`${runner.name}-${host.replaceAll(':', '-')}`, host))
      : [workerAt(runner.name, placement.dial.runner)];
  return {
    host: placement.controlBind,
    port: String(control.port),
    internalHost: placement.internalBind.control,
    internalPort: String(control.internalPort),
    workers: JSON.stringify(workers),
    requestTimeoutSeconds: String(control.requestTimeoutSeconds),
    publicApiPrefix: ROUTES.apiPrefix,
    fleetId: fleet.id,
    tokenKeysFile: placement.files.tokenKeys,
    tokenTtlSeconds: String(control.tokenTtlSeconds),
    operatorKeyFile: placement.files.operatorKey,
    serviceKeyFile: placement.files.serviceKey,
    stateDir: placement.files.controlState,
    ...(placement.gatewaysName !== undefined && {
      gatewaysUrl: `http://${placement.gatewaysName}:${topology.gateway.port}`,
      gatewayHealthIntervalMs: String(ingress.healthIntervalMs),
      gatewayHealthTimeoutMs: String(ingress.healthTimeoutMs),
    }),
    publicHosts: publicOrigin(topology),
    loopbackIngress: String(placement.ingress.isLoopback && control.localKey === 'spared'),
    trustedProxies: [...placement.ingressAddresses, ...ingress.trustedProxies].join(','),
    logLevel,
  };
}
