import type { Topology } from '../model.js';
import type { Rule } from './rule.js';

/** Every listener of the fleet by the setting that owns its port. */
export function listenerPorts(topology: Topology): readonly { readonly setting: string; readonly port: number }[] {
  const { public: publicSide, gateway, runner, control } = topology;
  return [
    { setting: 'public.port', port: publicSide.port },
    ...(publicSide.httpPort === undefined ? [] : [{ setting: 'public.httpPort', port: publicSide.httpPort }]),
    { setting: 'gateway.port', port: gateway.port },
    { setting: 'gateway.internalPort', port: gateway.internalPort },
    { setting: 'runner.port', port: runner.port },
    { setting: 'runner.internalPort', port: runner.internalPort },
    { setting: 'control.port', port: control.port },
    { setting: 'control.internalPort', port: control.internalPort },
  ];
}

const onePortOneListener: Rule = (topology) => {
  const all = listenerPorts(topology);
  return all.flatMap(({ setting, port }, index) => {
    const earlier = all.slice(0, index).find((other) => other.port === port);
    if (!earlier) return [];
    return [
      {
        id: 'topology.one-port-one-listener' as const,
        severity: 'fail' as const,
        path: setting,
        saw: `${setting} and ${earlier.setting} are both ${port}`,
        want: 'a port of its own for each listener',
        remedy: `${setting}: ${freePort(topology)}`,
      },
    ];
  });
};

const rfbRange: Rule = (topology) => {
  const { min, max } = topology.runner.rfbPorts;
  return listenerPorts(topology)
    .filter(({ port }) => port >= min && port <= max)
    .map(({ setting, port }) => ({
      id: 'topology.rfb-range' as const,
      severity: 'fail' as const,
      path: setting,
      saw: `${port} lies in runner.rfbPorts ${min}-${max}`,
      want: 'listeners outside the range that sessions are leased from',
      remedy: `${setting}: ${freePort(topology)}`,
    }));
};

const FIRST_UNPRIVILEGED = 1_024;

/** The first port above the gateway's own ones that no listener and no session takes. */
function freePort(topology: Topology): number {
  const { min, max } = topology.runner.rfbPorts;
  const taken = new Set(listenerPorts(topology).map(({ port }) => port));
  let port = Math.max(FIRST_UNPRIVILEGED, topology.gateway.port);
  while (taken.has(port) || (port >= min && port <= max)) port = port < 65_535 ? port + 1 : FIRST_UNPRIVILEGED;
  return port;
}

const slots: Rule = ({ runner }) => {
  const ranges = [runner.displays, runner.rfbPorts, runner.legacyIds];
  const places = Math.min(...ranges.map(({ min, max }) => max - min + 1));
  if (runner.maxSessions <= places) return [];
  return [
    {
      id: 'topology.slots',
      severity: 'fail',
      path: 'runner.maxSessions',
      saw: `${runner.maxSessions} sessions, ${places} slots`,
      want: 'a display, an RFB port and a legacy id for each session',
      remedy: `runner.maxSessions: ${places}`,
    },
  ];
};

/** Numeric ids open something only where identities are open; elsewhere they are names that nobody asks for. */
const idRanges: Rule = ({ gateway, runner }) => {
  if (gateway.identity !== 'open') return [];
  const { webRange, basePort } = gateway;
  const { legacyIds, rfbPorts } = runner;
  const sameIds = webRange.min === legacyIds.min && webRange.max === legacyIds.max && basePort === rfbPorts.min;
  const last = basePort + webRange.max - webRange.min;
  if (sameIds && last <= rfbPorts.max) return [];
  const shared = { id: 'topology.id-ranges', severity: 'fail', path: 'gateway.webRange' } as const;
  if (!sameIds)
    return [
      {
        ...shared,
        saw: `gateway ${webRange.min}-${webRange.max} from port ${basePort}, runner ${legacyIds.min}-${legacyIds.max} from port ${rfbPorts.min}`,
        want: 'the same ids and the same first RFB port on both sides',
        remedy: `gateway.webRange: {min: ${legacyIds.min}, max: ${legacyIds.max}} and gateway.basePort: ${rfbPorts.min}`,
      },
    ];
  const most = webRange.min + rfbPorts.max - rfbPorts.min;
  return [
    {
      ...shared,
      saw: `id ${webRange.max} leads to port ${last}, and runner.rfbPorts end at ${rfbPorts.max}`,
      want: 'only ids whose port a session can have',
      remedy: `gateway.webRange and runner.legacyIds: {min: ${webRange.min}, max: ${most}}`,
    },
  ];
};

export const portRules: readonly Rule[] = [onePortOneListener, rfbRange, slots, idRanges];
