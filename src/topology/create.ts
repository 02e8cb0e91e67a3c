import { parseDocument } from 'yaml';
import { type Topology, topologySchema } from './model.js';

/** What a new topology differs in from the defaults. */
export interface Shift {
  readonly fleetId: string;
  readonly host: string;
  /** Undefined: the default, shifted. */
  readonly publicPort: number | undefined;
  /** Added to every port and range, so that fleets run side by side. */
  readonly shift: number;
}

const SKELETON = `# The topology of this fleet: the one place for hosts, ports, paths and timeouts. Everything else is rendered from it.
# What is not said here has its default; \`camofleet config explain\` lists all of it. After a change: camofleet render.
version: 1
fleet:
  # Tokens are made for it.
  id: ""
public:
  # The name and port that viewers type; every URL that is handed out carries them.
  host: ""
  port: 0
  # The address that the ingress of the local engine binds.
  bind: 127.0.0.1
tls:
  # throwaway: an authority of this fleet's own; files: your certificate and key; acme: by Traefik.
  mode: throwaway
gateway:
  port: 0
  internalPort: 0
  # Numeric ids open screens without a token only with \`open\`.
  identity: token
  # At most a third of the shortest idle timer on the path.
  pingIntervalMs: 0
runner:
  port: 0
  internalPort: 0
  # Both ends included. Slots take one of each.
  displays: { min: 0, max: 0 }
  rfbPorts: { min: 0, max: 0 }
  idleTtlSeconds: 0
control:
  port: 0
  internalPort: 0
# What stands in front of the ingress, with its idle timer, so that pings can be checked against it:
# edge:
#   - { name: nginx, idleTimeoutMs: 60000 }
`;

/** The defaults with every port and range moved. */
export function shiftTopology(options: Shift): Topology {
  const base = topologySchema.parse({ fleet: { id: options.fleetId } });
  const { shift } = options;
  const moved = ({ min, max }: { min: number; max: number }): { min: number; max: number } => ({
    min: min + shift,
    max: max + shift,
  });
  const displays = (Math.round(shift / 100) % 100) * 100;
  return topologySchema.parse({
    ...base,
    public: { ...base.public, host: options.host, port: options.publicPort ?? base.public.port + shift },
    gateway: {
      ...base.gateway,
      port: base.gateway.port + shift,
      internalPort: base.gateway.internalPort + shift,
      basePort: base.gateway.basePort + shift,
    },
    runner: {
      ...base.runner,
      port: base.runner.port + shift,
      internalPort: base.runner.internalPort + shift,
      rfbPorts: moved(base.runner.rfbPorts),
      displays: { min: base.runner.displays.min + displays, max: base.runner.displays.max + displays },
    },
    control: { ...base.control, port: base.control.port + shift, internalPort: base.control.internalPort + shift },
  });
}

/** The text of a new camofleet.yaml: what people change, with comments; the rest stays at its defaults. */
export function newTopologyText(options: Shift): string {
  const topology = shiftTopology(options);
  const document = parseDocument(SKELETON);
  const set = (path: readonly (string | number)[], value: unknown): void => document.setIn(path, value);
  set(['fleet', 'id'], topology.fleet.id);
  set(['public', 'host'], topology.public.host);
  set(['public', 'port'], topology.public.port);
  set(['gateway', 'port'], topology.gateway.port);
  set(['gateway', 'internalPort'], topology.gateway.internalPort);
  set(['gateway', 'pingIntervalMs'], topology.gateway.pingIntervalMs);
  if (options.shift !== 0) set(['gateway', 'basePort'], topology.gateway.basePort);
  set(['runner', 'port'], topology.runner.port);
  set(['runner', 'internalPort'], topology.runner.internalPort);
  set(['runner', 'displays', 'min'], topology.runner.displays.min);
  set(['runner', 'displays', 'max'], topology.runner.displays.max);
  set(['runner', 'rfbPorts', 'min'], topology.runner.rfbPorts.min);
  set(['runner', 'rfbPorts', 'max'], topology.runner.rfbPorts.max);
  set(['runner', 'idleTtlSeconds'], topology.runner.idleTtlSeconds);
  set(['control', 'port'], topology.control.port);
  set(['control', 'internalPort'], topology.control.internalPort);
  return document.toString({ lineWidth: 120 });
}
