import { parseDocument } from 'yaml';
import { topologySchema } from './model.js';

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
  id: _
public:
  # The name and port that viewers type; every URL that is handed out carries them.
  host: _
  port: 0
  # The address of this host at which the ingress is reached; 0.0.0.0 lets other machines in.
  bind: _
tls:
  # throwaway: an authority of this fleet's own; files: your certificate and key; acme: by Traefik.
  mode: _
gateway:
  port: 0
  internalPort: 0
  # Numeric ids open screens without a token only with \`open\`.
  identity: _
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

/** X displays are taken by the hundred, and there are not as many of them as ports. */
const DISPLAYS = 100;

/** The text of a new camofleet.yaml: what people change, with comments; the rest stays at its defaults. */
export function newTopologyText({ fleetId, host, publicPort, shift }: Shift): string {
  const usual = topologySchema.parse({});
  const { gateway, runner, control } = usual;
  const displays = (Math.round(shift / DISPLAYS) % DISPLAYS) * DISPLAYS;
  const values: Readonly<Record<string, string | number>> = {
    'fleet.id': fleetId,
    'public.host': host,
    'public.port': publicPort ?? usual.public.port + shift,
    'public.bind': usual.public.bind,
    'tls.mode': usual.tls.mode,
    'gateway.port': gateway.port + shift,
    'gateway.internalPort': gateway.internalPort + shift,
    'gateway.identity': gateway.identity,
    'gateway.pingIntervalMs': gateway.pingIntervalMs,
    ...(shift !== 0 && { 'gateway.basePort': gateway.basePort + shift }),
    'runner.port': runner.port + shift,
    'runner.internalPort': runner.internalPort + shift,
    'runner.displays.min': runner.displays.min + displays,
    'runner.displays.max': runner.displays.max + displays,
    'runner.rfbPorts.min': runner.rfbPorts.min + shift,
    'runner.rfbPorts.max': runner.rfbPorts.max + shift,
    'runner.idleTtlSeconds': runner.idleTtlSeconds,
    'control.port': control.port + shift,
    'control.internalPort': control.internalPort + shift,
  };
  const document = parseDocument(SKELETON);
  for (const [path, value] of Object.entries(values)) document.setIn(path.split('.'), value);
  return document.toString({ lineWidth: 0, flowCollectionPadding: true });
}
