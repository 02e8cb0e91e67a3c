import type { CheckReport, Finding, HoldProgress } from '../report/index.js';
import type { FleetPaths, Topology } from '../topology/index.js';
import type { Budget } from './budget.js';
import type { GivenLogs } from './collection/index.js';
import type { Mode } from './subjects/index.js';
import type { Trust } from './trust.js';

/** What flags say of a run. */
export interface VerifyOptions extends Trust {
  readonly durationMs: number;
  /** Measure when each hop cuts, with every kind of traffic. */
  readonly findIdle: boolean;
  /** A site that the remote browser should reach. */
  readonly egress?: { readonly host: string; readonly port: number } | undefined;
  /** How often the gateway is set to ping, where somebody says so. */
  readonly heartbeatMs?: number | undefined;
  readonly modes: readonly Mode[];
  readonly session: string | undefined;
  readonly url: URL | undefined;
  readonly page: URL | undefined;
  /** The page that shows the viewer page in a frame. */
  readonly frame: URL | undefined;
  readonly gateway: URL | undefined;
  readonly rfb: { readonly host: string; readonly port: number } | undefined;
  readonly control: URL | undefined;
  /** Health checks that others rely on: http:, https: or tcp:. */
  readonly health: readonly URL[];
  readonly password: string | undefined;
  readonly origin: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
  /** auto, off, or places with commas between them: interfaces and network namespaces. */
  readonly capture: string;
  readonly logs: GivenLogs;
  readonly pcap: readonly string[];
  readonly budget: Budget;
  readonly strict: boolean;
  readonly screenshot: boolean;
  /** Folder that runs go to. */
  readonly out: string;
}

export interface VerifyDeps {
  readonly version: string;
  /** Undefined when only flags say what is looked at. */
  readonly fleet: { readonly topology: Topology; readonly paths: FleetPaths } | undefined;
  readonly now: () => number;
  readonly monotonic: () => number;
  readonly suffix: string;
  readonly isRoot: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
  readonly observer: VerifyObserver;
}

/** Told of what happens while it happens. */
export interface VerifyObserver {
  readonly onStage: (text: string) => void;
  /** `named`: whom a check that failed blames, as far as is known then. */
  readonly onCheck: (check: CheckReport, named?: Pick<Finding, 'code' | 'confidence'>) => void;
  /** Something went wrong while streams were held. */
  readonly onTrouble: (what: string) => void;
  readonly onHold: (progress: HoldProgress) => void;
}
