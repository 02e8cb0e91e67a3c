/** Counters of the kernel by name: `TcpExt.TCPTimeouts`. */
export type Counters = ReadonlyMap<string, number>;

/** The text of /proc/net/snmp and of /proc/net/netstat: a line of names, a line of numbers, each with its group (proc(5)). */
export function parseCounters(text: string): Counters {
  const counters = new Map<string, number>();
  const names = new Map<string, string[]>();
  for (const line of text.split('\n')) {
    const [, group = '', rest = ''] = /^(\w+): (.*)$/.exec(line) ?? [];
    const fields = rest.split(' ');
    const known = names.get(group);
    if (known) for (const [at, name] of known.entries()) counters.set(`${group}.${name}`, Number(fields[at]));
    else if (group !== '') names.set(group, fields);
    if (known) names.delete(group);
  }
  return counters;
}

/** Groups that tell of TCP and of packets that were dropped; the others count what every host does all day. */
const GROUPS = /^(?:Tcp|TcpExt|Ip|Icmp)\./;
/** Counted with every segment: they say nothing of a failure. */
const ALL_DAY =
  /^(?:Tcp\.(?:InSegs|OutSegs)|Ip\.(?:InReceives|InDelivers|OutRequests|OutTransmits)|TcpExt\.(?:TCPHPHits|TCPHPAcks|TCPPureAcks|TCPOrigDataSent|TCPDelivered|TCPAutoCorking|TCPHystart.*|DelayedACKs|TCPRcvCoalesce|TCPRcvCollapsed|TW|TCPFastOpen.*))$/;

/** What counters have gained, by name; what has not changed and what is counted all day is left out. */
export function gained(before: Counters, after: Counters): readonly (readonly [name: string, by: number])[] {
  return [...after]
    .map(([name, value]) => [name, value - (before.get(name) ?? 0)] as const)
    .filter(([name, by]) => by !== 0 && GROUPS.test(name) && !ALL_DAY.test(name))
    .toSorted(([a], [b]) => a.localeCompare(b));
}
