import { execFile } from 'node:child_process';
import { lookup } from 'node:dns/promises';
import { promisify } from 'node:util';
import { findProgram } from '../../processes/index.js';

const run = promisify(execFile);

export const TRANSPORTS = ['TCP', 'QUIC'] as const;
export type Transport = (typeof TRANSPORTS)[number];

/** One address of the site by one transport. */
export interface Way {
  readonly address: string;
  readonly transport: Transport;
  /** From where verify runs. */
  readonly here: boolean;
  /** From where the RFB server lives. */
  readonly there: boolean;
}

export interface EgressSight {
  readonly site: string;
  readonly ways: readonly Way[];
}

const WAIT_S = 2;
const TIMEOUT_MS = 8_000;

/**
 * The scripts of one try, with an address and a port; they succeed when the site answers. A server of QUIC answers a
 * packet of a version that nobody speaks with the list of those that it does (RFC 9000 section 6.1).
 */
const TRIES: Readonly<Record<Transport, string>> = {
  TCP: `exec 3<>"/dev/tcp/$0/$1"`,
  QUIC: `exec 3<>"/dev/udp/$0/$1"; printf '\\xc0\\x1a\\x2a\\x3a\\x4a\\x08camofl33\\x08et-looks%01177d' 0 >&3; [ "$(head -c 1 <&3 | wc -c)" = 1 ]`,
};

/** Tries a site from here, and from the network namespace of a process; undefined where that cannot be entered. */
export async function lookOut(
  { host, port }: { readonly host: string; readonly port: number },
  pid: number,
  path: string | undefined,
): Promise<EgressSight | undefined> {
  const [nsenter, bash, timeout] = ['nsenter', 'bash', 'timeout'].map((name) => findProgram(name, path));
  const found = await lookup(host, { all: true }).catch(() => []); // then nothing can be tried from here either
  if (!nsenter || !bash || !timeout || found.length === 0) return undefined;
  const tries = found.flatMap(({ address }) => TRANSPORTS.map((transport) => ({ address, transport })));
  const answers = (before: readonly string[], address: string, transport: Transport): Promise<boolean> => {
    const [file, ...args] = [...before, timeout, String(WAIT_S), bash, '-c', TRIES[transport], address, String(port)];
    return run(file, args, { timeout: TIMEOUT_MS }).then(
      () => true,
      () => false, // no answer in time, or a refusal
    );
  };
  const ways = await Promise.all(
    tries.map(async ({ address, transport }): Promise<Way> => {
      const [here, there] = await Promise.all([
        answers([], address, transport),
        answers([nsenter, '-t', String(pid), '-n'], address, transport),
      ]);
      return { address, transport, here, there };
    }),
  );
  return { site: `${host}:${port}`, ways };
}
