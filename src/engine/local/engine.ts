import { join } from 'node:path';
import { serviceLog } from '../../topology/index.js';
import { touchDynamic } from '../certificates.js';
import type { Engine, EngineDeps, FleetStatus, ServiceStatus } from '../engine.js';
import { followLogs } from '../logs.js';
import { startInBackground } from './background.js';
import { takeDown } from './down.js';
import { fleetStatus } from './status.js';
import { askForUpgrade } from './upgrade.js';

/** Services as processes of this host, under a supervisor of ours. `up` is that of `--detach`. */
export function localEngine({ paths, topology, self, clock }: EngineDeps): Engine {
  return {
    name: 'local',
    services: ['runner', 'control', 'gateway', 'ingress'],
    up: ({ timeoutMs, onStep }, signal) => {
      const seconds = String(timeoutMs / 1000);
      const command = [self.execPath, self.entryPoint, 'up', '--supervise', '--topology', paths.topologyFile] as const;
      return startInBackground({ paths, env: self.env, command: [...command, '--timeout', seconds], onStep }, signal);
    },
    down: ({ timeoutMs, onStop }) => takeDown(paths, timeoutMs, { self, onStop }),
    status: () => statusOf(paths),
    upgrade: (options, signal) => askForUpgrade(paths, self, options, signal),
    // Services look at the files themselves.
    refresh: () => touchDynamic(join(paths.rendered('local'), 'dynamic'), clock.now()),
    logs: (options, signal) => followLogs(paths, options, signal),
    evidence: async () => {
      const { gateway } = await topology();
      return {
        logs: {
          traefik: paths.accessLog,
          gateway: serviceLog(paths, 'gateway'),
          runner: serviceLog(paths, 'runner'),
          control: serviceLog(paths, 'control'),
          supervisor: serviceLog(paths, 'supervisor'),
        },
        gateway: { host: '127.0.0.1', port: gateway.port },
        reachesRunners: true,
        capture: 'auto',
        settled: async () => {},
        services: async () => {
          const status = await statusOf(paths);
          return status.state === 'not running' ? [] : status.services;
        },
        [Symbol.asyncDispose]: async () => {},
      };
    },
  };
}

async function statusOf(paths: EngineDeps['paths']): Promise<FleetStatus> {
  const status = await fleetStatus(paths);
  if (status.state === 'not running') return status;
  const services = status.services.map((service): ServiceStatus & typeof service => ({
    ...service,
    instance: service.identity ? String(service.identity.pid) : null,
    ports: [],
  }));
  return { ...status, engine: 'local', services };
}
