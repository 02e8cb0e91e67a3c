import { isLoopback } from '../core/index.js';
import type { Topology } from './model.js';

/** A rule that a topology breaks. */
export interface Violation {
  /** Dotted, the id of a check: `topology.ping-interval`. */
  readonly id: `topology.${string}`;
  readonly severity: 'fail' | 'warn';
  readonly path: string;
  readonly saw: string;
  readonly want: string;
  readonly remedy: string;
}

/** x11vnc gives a blocked write this long; a slow viewer must be named before it is cut. */
const X11VNC_WRITE_MS = 20_000;

type Rule = (topology: Topology) => readonly Violation[];

/** Every rule, in the order of the file. */
const RULES: readonly Rule[] = [
  pingInterval,
  writeTimeout,
  drain,
  idRanges,
  listeners,
  rfbRange,
  slots,
  openIdentity,
  tlsFiles,
  publicHost,
];

/** Pure rules over the model; empty when all hold. */
export function violations(topology: Topology): readonly Violation[] {
  return RULES.flatMap((rule) => rule(topology));
}

function pingInterval({ gateway, edge }: Topology): Violation[] {
  const timers = [
    { name: 'gateway.readTimeoutMs', ms: gateway.readTimeoutMs },
    ...edge.map(({ name, idleTimeoutMs }) => ({ name: `the idle timer of ${name}`, ms: idleTimeoutMs })),
  ];
  const shortest = timers.reduce((best, timer) => (timer.ms < best.ms ? timer : best));
  const most = Math.floor(shortest.ms / 3);
  if (gateway.pingIntervalMs > 0 && gateway.pingIntervalMs <= most) return [];
  return [
    {
      id: 'topology.ping-interval',
      severity: gateway.pingIntervalMs === 0 && edge.length === 0 ? 'warn' : 'fail',
      path: 'gateway.pingIntervalMs',
      saw: gateway.pingIntervalMs === 0 ? 'pings are off' : `${gateway.pingIntervalMs} ms`,
      want: `at most a third of ${shortest.name}, ${most} ms`,
      remedy: `gateway.pingIntervalMs: ${most}`,
    },
  ];
}

function writeTimeout({ gateway }: Topology): Violation[] {
  if (gateway.writeTimeoutMs < X11VNC_WRITE_MS) return [];
  return [
    {
      id: 'topology.write-timeout',
      severity: 'fail',
      path: 'gateway.writeTimeoutMs',
      saw: `${gateway.writeTimeoutMs} ms`,
      want: `below ${X11VNC_WRITE_MS} ms, after which x11vnc cuts a viewer that does not read`,
      remedy: 'gateway.writeTimeoutMs: 15000',
    },
  ];
}

function drain({ gateway }: Topology): Violation[] {
  if (gateway.drainDelayMs < gateway.shutdownGraceMs) return [];
  return [
    {
      id: 'topology.drain-delay',
      severity: 'fail',
      path: 'gateway.drainDelayMs',
      saw: `${gateway.drainDelayMs} ms of ${gateway.shutdownGraceMs} ms grace`,
      want: 'less than the grace, or viewers are cut without a word',
      remedy: `gateway.drainDelayMs: ${Math.floor(gateway.shutdownGraceMs / 6)}`,
    },
  ];
}

function idRanges({ gateway, runner }: Topology): Violation[] {
  const { webRange } = gateway;
  const { legacyIds, rfbPorts } = runner;
  const agree = webRange.min === legacyIds.min && webRange.max === legacyIds.max && gateway.basePort === rfbPorts.min;
  if (agree) return [];
  return [
    {
      id: 'topology.id-ranges',
      severity: gateway.identity === 'open' ? 'fail' : 'warn',
      path: 'gateway.webRange',
      saw: `gateway ${webRange.min}-${webRange.max} from port ${gateway.basePort}, runner ${legacyIds.min}-${legacyIds.max} from port ${rfbPorts.min}`,
      want: 'the same ids and the same first RFB port on both sides',
      remedy: `gateway.webRange: {min: ${legacyIds.min}, max: ${legacyIds.max}} and gateway.basePort: ${rfbPorts.min}`,
    },
  ];
}

/** Every listener of the fleet by the setting that owns its port. */
export function listenerPorts(topology: Topology): readonly { readonly setting: string; readonly port: number }[] {
  const { public: publicSide, gateway, runner, control } = topology;
  return [
    { setting: 'public.port', port: publicSide.port },
    { setting: 'gateway.port', port: gateway.port },
    { setting: 'gateway.internalPort', port: gateway.internalPort },
    { setting: 'runner.port', port: runner.port },
    { setting: 'runner.internalPort', port: runner.internalPort },
    { setting: 'control.port', port: control.port },
    { setting: 'control.internalPort', port: control.internalPort },
  ];
}

function listeners(topology: Topology): Violation[] {
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
        remedy: `${setting}: another port`,
      },
    ];
  });
}

function rfbRange(topology: Topology): Violation[] {
  const { min, max } = topology.runner.rfbPorts;
  return listenerPorts(topology)
    .filter(({ port }) => port >= min && port <= max)
    .map(({ setting, port }) => ({
      id: 'topology.rfb-range' as const,
      severity: 'fail' as const,
      path: setting,
      saw: `${port} lies in runner.rfbPorts ${min}-${max}`,
      want: 'listeners outside the range that sessions are leased from',
      remedy: `${setting}: a port outside ${min}-${max}`,
    }));
}

function slots({ runner }: Topology): Violation[] {
  const places = Math.min(runner.displays.max - runner.displays.min, runner.rfbPorts.max - runner.rfbPorts.min) + 1;
  if (runner.maxSessions <= places) return [];
  return [
    {
      id: 'topology.slots',
      severity: 'fail',
      path: 'runner.maxSessions',
      saw: `${runner.maxSessions} sessions, ${places} slots`,
      want: 'a display and an RFB port for each session',
      remedy: `runner.maxSessions: ${places}`,
    },
  ];
}

function openIdentity({ gateway, public: publicSide }: Topology): Violation[] {
  if (gateway.identity !== 'open' || isLoopback(publicSide.bind)) return [];
  return [
    {
      id: 'topology.open-identity',
      severity: 'warn',
      path: 'gateway.identity',
      saw: `numeric ids open screens without a token on ${publicSide.bind}`,
      want: 'tokens wherever others can reach the ingress',
      remedy: 'gateway.identity: token',
    },
  ];
}

function tlsFiles({ tls }: Topology): Violation[] {
  const missing = tls.mode === 'files' ? (['certificate', 'key'] as const).filter((name) => !tls[name]) : [];
  const email = tls.mode === 'acme' && !tls.email ? (['email'] as const) : [];
  return [...missing, ...email].map((name) => ({
    id: 'topology.tls-files' as const,
    severity: 'fail' as const,
    path: `tls.${name}`,
    saw: 'not set',
    want: `a value, because tls.mode is ${tls.mode}`,
    remedy: `tls.${name}: …`,
  }));
}

function publicHost({ public: publicSide }: Topology): Violation[] {
  if (isLoopback(publicSide.bind) || !isLoopback(publicSide.host)) return [];
  return [
    {
      id: 'topology.public-host',
      severity: 'warn',
      path: 'public.host',
      saw: `${publicSide.host}, while the ingress listens on ${publicSide.bind}`,
      want: 'the name that viewers elsewhere can resolve: every URL that is handed out carries it',
      remedy: 'public.host: the public name',
    },
  ];
}
