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

/** A fleet, and what its engine gives to look at beside the dials. */
export interface VerifiedFleet {
  readonly topology: Topology;
  readonly paths: FleetPaths;
  /** Undefined: services of this host, with their logs below `paths`. */
  readonly evidence?: FleetEvidence;
}

export interface FleetEvidence {
  /** Files that grow with what is logged. */
  readonly logs: Readonly<Partial<Record<'traefik' | 'gateway' | 'runner' | 'control' | 'supervisor', string>>>;
  /** Where the gateway listens past the ingress; undefined when none runs, or when it cannot be reached from here. */
  readonly gateway: { readonly host: string; readonly port: number } | undefined;
  /** Whether runners can be dialled from here, past the gateway. */
  readonly reachesRunners: boolean;
  /** Where packets are recorded, as `--capture` takes it. */
  readonly capture: string;
  /** Resolves when what was said up to now is in the files. */
  settled(): Promise<void>;
  /** How every replica is, now. */
  services(): Promise<readonly ServiceSight[]>;
}

/** A replica as its engine sees it. */
export interface ServiceSight {
  readonly name: string;
  readonly instance: string | null;
  readonly state: string;
  readonly restarts: number;
  readonly lastEnd: string | null;
}

export interface VerifyDeps {
  readonly version: string;
  /** Undefined when only flags say what is looked at. */
  readonly fleet: VerifiedFleet | undefined;
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
