import type { Stage } from './stage.js';

/** A fault of the atlas, on real parts: broken as users meet it, or its healthy twin with the one cause left out. */
export interface Fault {
  /** `F12`, as in the atlas of faults. */
  readonly id: string;
  /** What is broken, as a user would hear it told. */
  readonly title: string;
  /** What this machine must have; a fault whose needs are not met is skipped and says so. */
  readonly needs: readonly Need[];
  /** Starts the path on the stage, which owns and ends all of it, and returns what an operator would have at hand. */
  start(stage: Stage, is: Variant): Promise<Given>;
}

/** The broken path, or the same path without the cause. */
export type Variant = 'broken' | 'healthy';

/** A program on the PATH, root (namespaces, nftables, tc), or the fleet's own browser. */
export type Need =
  | 'root'
  | 'traefik'
  | 'nginx'
  | 'haproxy'
  | 'Xvfb'
  | 'x11vnc'
  | 'Xtigervnc'
  | 'xsetroot'
  | 'chromium'
  | 'websockify'
  | 'ip'
  | 'nft'
  | 'tc'
  | 'tcpdump'
  | 'prlimit'
  | 'unshare'
  | 'sysctl';

/** What an operator would have: where to look, and how it is looked at. Broken path and twin get the same flags. */
export interface Given {
  /** Arguments of `camofleet verify`, without `--json` and `--out`. */
  readonly flags: readonly string[];
  /** The folder that verify runs in, where it is that of a fleet (it reads camofleet.yaml there). */
  readonly folder?: string;
  /** The network namespace that verify runs in: that of the viewer. */
  readonly namespace?: string;
  /**
   * What happens while verify looks, for example a process that dies; it is told when verify was started, and calls `setOff` at
   * the moment from which on something is dead: how long verify needs to name it counts from there.
   */
  readonly meanwhile?: (signal: AbortSignal, setOff: () => void) => Promise<void>;
}
