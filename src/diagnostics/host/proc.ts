/** A TCP socket as the kernel lists it. */
export interface KernelSocket {
  readonly address: string;
  readonly port: number;
  readonly state: 'listen' | 'established' | 'other';
  readonly inode: number;
}

const STATES: Readonly<Record<string, KernelSocket['state']>> = { '01': 'established', '0A': 'listen' };

/** The rows of /proc/net/tcp or tcp6 (proc_net_tcp(5)); what is no row is skipped. */
export function parseSockets(text: string): KernelSocket[] {
  return text.split('\n').flatMap((line) => {
    const [, local = '', , state = '', , , , , , inode] = line.trim().split(/\s+/);
    const [, address = '', port = ''] = /^([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4})$/.exec(local) ?? [];
    if (address === '') return [];
    return [
      {
        address: addressOf(address),
        port: Number.parseInt(port, 16),
        state: STATES[state] ?? 'other',
        inode: Number(inode),
      },
    ];
  });
}

/** Words of 32 bits in the byte order of the host, which on every machine that we run on is little. */
function addressOf(hex: string): string {
  const bytes = Buffer.from(hex, 'hex');
  for (let at = 0; at < bytes.length; at += 4) bytes.subarray(at, at + 4).reverse();
  if (bytes.length === 4) return [...bytes].join('.');
  if (bytes.subarray(0, 12).toString('hex') === '00000000000000000000ffff') return [...bytes.subarray(12)].join('.');
  const groups = Array.from({ length: 8 }, (_, group) => bytes.readUInt16BE(group * 2).toString(16));
  return groups.join(':').replace(/(^|:)0(?::0)+(:|$)/, '::');
}

/** Addresses of a network namespace, from its /proc/net/fib_trie. */
export function parseLocalAddresses(text: string): ReadonlySet<string> {
  const found = text.matchAll(/\|-- (\d+\.\d+\.\d+\.\d+)\n\s+\/32 host LOCAL/g);
  return new Set([...found].map((match) => match[1]!));
}

/** The soft limit of open files, from /proc/PID/limits. */
export function parseOpenFiles(text: string): number | undefined {
  const [, soft] = /^Max open files\s+(\d+|unlimited)/m.exec(text) ?? [];
  if (soft === undefined) return undefined;
  return soft === 'unlimited' ? Number.POSITIVE_INFINITY : Number(soft);
}

/** The state of a process, from /proc/PID/stat: its name may hold anything, so fields count from behind it. */
export function parseState(text: string): string | undefined {
  return /\) (\S) [^)]*$/.exec(text)?.[1];
}

/** Nanoseconds that a process has run or wanted to run, from /proc/PID/schedstat: a busy host does not make it idle. */
export function parseWork(text: string): number | undefined {
  const [, ran, waited] = /^(\d+) (\d+) /.exec(text) ?? [];
  return ran === undefined ? undefined : Number(ran) + Number(waited);
}
