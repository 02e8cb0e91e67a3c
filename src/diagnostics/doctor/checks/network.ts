import { isIP } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { isLoopback } from '../../../core/index.js';
import { type Topology, listenerPorts } from '../../../topology/index.js';
import type { Verdict } from '../../check.js';
import { type DoctorContext, type HostCheck, isContained } from '../context.js';

const BIND_MS = 5_000;
const AGAIN_MS = 300;
const RESOLVE_MS = 8_000;
const READ_MS = 3_000;
const LOOPBACK = '127.0.0.1';

const ports: HostCheck = {
  id: 'network.ports',
  source: 'ss -ltnp',
  hop: 'control',
  title: 'the ports of the topology are free',
  needs: [],
  budgetMs: BIND_MS,
  async run(context) {
    const { io, topology, isRunning } = context;
    if (isRunning) return { status: 'skip', because: 'the fleet runs, and has them' };
    const listeners = listenersOf(context);
    const look = async ({ setting, port }: (typeof listeners)[number]): Promise<string | undefined> =>
      io.bindProblem(setting, setting === 'public.port' ? topology.public.bind : LOOPBACK, port);
    const problems = await Promise.all(
      listeners.map(async (listener) => {
        if ((await look(listener)) === undefined) return undefined;
        await pause(AGAIN_MS); // another look like this one holds a port for a moment
        return look(listener);
      }),
    );
    return judgePorts(
      listeners.map(({ port }) => port),
      problems.filter((problem) => problem !== undefined),
    );
  },
};

/** In containers only the ingress is published on the host. */
function listenersOf(context: DoctorContext): ReturnType<typeof listenerPorts> {
  const all = listenerPorts(context.topology);
  return isContained(context) ? all.filter(({ setting }) => setting === 'public.port') : all;
}

export function judgePorts(wanted: readonly number[], problems: readonly string[]): Verdict {
  if (problems.length === 0) return { status: 'pass', saw: wanted.join(', ') };
  return {
    status: 'fail',
    code: 'CF-HOST-PORT',
    confidence: 'proven',
    saw: problems.join('; '),
    want: 'ports that nobody else has',
  };
}

const handedOut: HostCheck = {
  id: 'network.kept',
  source: '/proc/sys/net/ipv4/ip_local_port_range',
  hop: 'control',
  title: 'the kernel hands none of these ports to others',
  needs: [],
  budgetMs: READ_MS,
  async run(context) {
    const [range, reserved] = await Promise.all(
      ['ip_local_port_range', 'ip_local_reserved_ports'].map((name) => context.io.text(`/proc/sys/net/ipv4/${name}`)),
    );
    const { min, max } = context.topology.runner.rfbPorts;
    const wanted = listenersOf(context).map(({ port }) => port);
    return judgeHandedOut(isContained(context) ? wanted : [...wanted, min, max], range, reserved);
  },
};

/** Outgoing connections get ports of this range at random: a listener in it finds its port taken now and then. */
export function judgeHandedOut(
  ports: readonly number[],
  range: string | undefined,
  reserved: string | undefined,
): Verdict {
  const [, from, to] = /^(\d+)\s+(\d+)/.exec(range ?? '') ?? [];
  if (from === undefined || to === undefined)
    return { status: 'skip', because: 'this system has no net.ipv4.ip_local_port_range to read' };
  const kept = rangesIn(reserved ?? '');
  const inside = ports.filter(
    (port) =>
      port >= Number(from) && port <= Number(to) && !kept.some(([first, last]) => port >= first && port <= last),
  );
  const saw = `it hands out ${from} to ${to}`;
  if (inside.length === 0) return { status: 'pass', saw };
  return {
    status: 'warn',
    code: 'CF-HOST-EPHEMERAL',
    saw: `${saw}; ${inside.join(', ')} of the topology ${inside.length === 1 ? 'is' : 'are'} among them`,
    want: 'listeners below that range, or reserved in it',
    remedy: `sudo sysctl -w net.ipv4.ip_local_reserved_ports=${inside.join(',')}`,
  };
}

function rangesIn(text: string): readonly (readonly [number, number])[] {
  return [...text.matchAll(/(\d+)(?:-(\d+))?/g)].map(([, first, last]) => [Number(first), Number(last ?? first)]);
}

const name: HostCheck = {
  id: 'network.name',
  source: 'getent ahosts',
  hop: 'dns',
  title: 'the public name resolves, and leads here',
  needs: [],
  budgetMs: RESOLVE_MS,
  async run({ io, topology }) {
    const own = io.ownAddresses();
    try {
      return judgeName(topology.public, await io.addresses(topology.public.host), own);
    } catch (error) {
      return judgeUnresolved(topology.public.host, (error as NodeJS.ErrnoException).code ?? String(error));
    }
  },
};

type PublicSide = Pick<Topology['public'], 'host' | 'bind'>;

/** Where a name leads: to this host, to something in front of it, or past the address that the ingress listens on. */
export function judgeName({ host, bind }: PublicSide, addresses: readonly string[], own: readonly string[]): Verdict {
  const list = addresses.join(', ');
  const isHere = addresses.some((address) => isLoopback(address) || own.includes(address));
  if (isLoopback(bind) && !addresses.some((address) => isLoopback(address)))
    return {
      status: 'warn',
      code: 'CF-HOST-NAME',
      saw: `${host} leads to ${list}, and the ingress listens on ${bind} alone`,
      want: 'an ingress where the name leads',
      remedy: 'public.bind: 0.0.0.0 in camofleet.yaml, or a proxy in front of it on this host',
    };
  if (isHere) return { status: 'pass', saw: `${host} is ${list}` };
  return { status: 'pass', saw: `${host} is ${list}: no address of this host, so something stands in front of it` };
}

const NOT_THERE = new Set(['ENOTFOUND', 'ENODATA', 'EAI_NONAME', 'EAI_NODATA']);

/** A resolver that says no, and one that says nothing, are two things. */
export function judgeUnresolved(host: string, code: string): Verdict {
  if (!NOT_THERE.has(code))
    return { status: 'unknown', because: `${host}: the resolver of this host gave no answer (${code})` };
  return {
    status: 'fail',
    code: 'CF-DNS-NAME',
    saw: `${host}: ${code}`,
    want: 'an address',
    remedy: `An A or AAAA record for ${host}, or for a try a line in /etc/hosts`,
  };
}

const ipv6: HostCheck = {
  id: 'network.ipv6',
  source: '/proc/net/if_inet6, getent ahosts',
  hop: 'network',
  title: 'IPv6 is as the topology needs it',
  needs: [],
  budgetMs: RESOLVE_MS,
  async run({ io, topology }) {
    const table = await io.text('/proc/net/if_inet6');
    const addresses = await io.addresses(topology.public.host).catch(() => []); // network.name tells
    return judgeIpv6(topology.public, addresses, { table, own: io.ownAddresses(), platform: io.platform });
  },
};

interface Ipv6Facts {
  /** /proc/net/if_inet6. */
  readonly table: string | undefined;
  readonly own: readonly string[];
  readonly platform: string;
}

/** A name with an IPv6 address of this host, and an ingress that listens on IPv4 alone, costs each viewer a refused dial. */
export function judgeIpv6(
  { host, bind }: PublicSide,
  addresses: readonly string[],
  { table, own, platform }: Ipv6Facts,
): Verdict {
  const isOn = platform === 'linux' ? (table ?? '').trim() !== '' : own.includes('::1');
  const has = isOn ? 'this host has IPv6' : 'this host has no IPv6';
  if (isIP(bind) === 6 && !isOn)
    return {
      status: 'fail',
      code: 'CF-HOST-IPV6',
      confidence: 'proven',
      saw: `${has}, and public.bind is ${bind}`,
      want: 'IPv6, or an IPv4 address to bind',
    };
  const missed = addresses.filter((address) => isIP(address) === 6 && own.includes(address) && !isLoopback(address));
  if (isIP(bind) === 4 && missed.length > 0)
    return {
      status: 'warn',
      code: 'CF-HOST-IPV6',
      saw: `${host} is ${missed.join(', ')} as well, and the ingress listens on ${bind} alone`,
      want: 'an ingress on every address that the name has',
      remedy: 'public.bind: "::" in camofleet.yaml, which takes IPv4 too, or no AAAA record',
    };
  return { status: 'pass', saw: has };
}

export const networkChecks: readonly HostCheck[] = [ports, handedOut, name, ipv6];
