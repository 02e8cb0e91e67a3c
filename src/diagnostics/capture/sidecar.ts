import { randomBytes } from 'node:crypto';
import { execa } from 'execa';

/** Containers of ours carry it, so that one that was left behind can be found: `docker ps --filter label=camofleet.capture`. */
const LABEL = 'camofleet.capture';
/** Of the image: whom tcpdump becomes when it has opened its socket. */
export const SIDECAR_USER = 'camofleet';
/** To open it, to become somebody else, who has none of them, and to tell that one to end. */
const CAPABILITIES = ['NET_RAW', 'SETUID', 'SETGID', 'KILL'];
/** The 16 MiB that the kernel keeps for packets, and tcpdump. */
const MEMORY = '96m';
const PIDS = '16';
const REMOVE_MS = 10_000;
/** Beyond what the run may take, before the container ends by itself. */
const MARGIN_S = 900;

/** tcpdump in a container that shares the network of another one, and nothing else. */
export interface Sidecar {
  /** What `docker` is started with. */
  readonly args: readonly string[];
  /** Takes it away, where it has not gone by itself. Never throws. */
  remove(): Promise<void>;
}

/**
 * Packets come over its standard output: it needs no volume. It begins as root of its container, because another user would
 * have the capability by new privileges only, and goes on without any. `longestMs`: how long the run may take; whatever becomes of us, it has
 * ended soon after.
 */
export function sidecarOf(
  container: string,
  given: {
    readonly docker: string;
    readonly image: string;
    readonly tcpdump: readonly string[];
    readonly longestMs: number;
  },
): Sidecar {
  const name = `camofleet-capture-${randomBytes(6).toString('hex')}`;
  const seconds = Math.ceil(given.longestMs / 1_000) + MARGIN_S;
  return {
    args: [
      ...['run', '--rm', '--pull', 'never', '--name', name, '--label', LABEL, '--log-driver', 'none'],
      ...['--network', `container:${container}`, '--user', '0:0', '--cap-drop', 'ALL'],
      ...CAPABILITIES.flatMap((one) => ['--cap-add', one]),
      ...['--security-opt', 'no-new-privileges', '--read-only', '--memory', MEMORY, '--pids-limit', PIDS],
      given.image,
      ...['--signal=INT', String(seconds), '/usr/bin/tcpdump', ...given.tcpdump],
    ],
    remove: async () => {
      await execa(given.docker, ['rm', '--force', name], { reject: false, stdin: 'ignore', timeout: REMOVE_MS });
    },
  };
}
