import type { Clock } from '../core/index.js';
import type { EngineName, FleetPaths, Topology } from '../topology/index.js';
import type { LogLine } from './logs.js';
import type { Step } from './steps.js';

/** One fleet at the place where it runs. An engine holds nothing open between calls, and another process may call it. */
export interface Engine {
  readonly name: EngineName;
  /** Services in the order in which people read them: from the runner to the ingress. */
  readonly services: readonly string[];
  /**
   * Renders, starts what is missing and resolves when every service is ready. On failure or abort nothing is left of a
   * fleet that did not run before. Throws a CamofleetError that says what was seen.
   */
  up(options: UpOptions, signal: AbortSignal): Promise<RunningFleet>;
  /** Stops it, viewers first; exit of each service is told as it comes. Resolves also when nothing runs. */
  down(options: DownOptions): Promise<DownReport>;
  status(): Promise<FleetStatus>;
  /**
   * Replaces what runs by what is installed now, without cutting viewers: new sockets open at the new gateway, then the old one
   * tells its viewers to come back. Throws when a new version did not come up; what was replaced before then stays.
   */
  upgrade(options: UpgradeOptions, signal: AbortSignal): Promise<readonly Replaced[]>;
  /** Hands changed keys and certificates to what runs; open sockets live on. */
  refresh(): Promise<void>;
  logs(options: LogOptions, signal: AbortSignal): AsyncGenerator<LogLine>;
  /** Begins to keep what `verify` reads: what is logged from now on, until it is disposed. */
  evidence(): Promise<Evidence>;
}

/** What every engine is given. */
export interface EngineDeps {
  readonly paths: FleetPaths;
  /** Read when it is needed: a fleet of processes can be stopped without its file. */
  readonly topology: () => Promise<Topology>;
  readonly self: {
    readonly execPath: string;
    readonly entryPoint: string;
    readonly packageRoot: string;
    readonly env: Readonly<Record<string, string | undefined>>;
    readonly isRoot: boolean;
  };
  /** Of the package, and of its images. */
  readonly version: string;
  readonly clock: Clock;
}

export interface UpOptions {
  /** For each service, from its start until it is ready. */
  readonly timeoutMs: number;
  /** Replicas by service; what is not named keeps as many as it has, at least one. */
  readonly scale: Readonly<Record<string, number>>;
  readonly onStep: (step: Step) => void;
}

export interface RunningFleet {
  /** The public origin, without a slash at its end. */
  readonly url: string;
  readonly ingress: 'traefik' | 'embedded';
  /** Of the supervisor; absent where the system of containers is it. */
  readonly pid?: number;
  /** Ends what `up` has started. */
  stop(): Promise<void>;
}

export interface DownOptions {
  /** Until services are forced. */
  readonly timeoutMs: number;
  /** Volumes and what is in them go as well. */
  readonly volumes: boolean;
  readonly onStop: (stop: ServiceStop) => void;
}

/** How the stop of one service went: `graceful`, `forced`, … */
export interface ServiceStop {
  readonly service: string;
  readonly how: string;
  readonly tookMs: number;
}

export interface DownReport {
  readonly was: 'running' | 'killed' | 'not running';
  readonly how: 'already' | 'graceful' | 'forced' | 'survived';
  readonly stops: readonly ServiceStop[];
}

/** `killed`: its supervisor is gone without having stopped it. */
export type FleetStatus =
  | { readonly state: 'not running' }
  | {
      readonly state: 'starting' | 'up' | 'stopping' | 'stopped' | 'killed';
      readonly engine: EngineName;
      readonly url: string;
      readonly ingress: 'traefik' | 'embedded';
      /** ISO 8601. */
      readonly startedAt: string;
      readonly services: readonly ServiceStatus[];
      readonly stops: readonly ServiceStop[];
    };

/** One replica of one service. */
export interface ServiceStatus {
  readonly name: string;
  /** The pid of a process, the name of a container; null while there is none. */
  readonly instance: string | null;
  /** `unhealthy`: it runs, and its own check says that it does not do its part. */
  readonly state: 'starting' | 'ready' | 'unhealthy' | 'waiting' | 'stopped';
  readonly restarts: number;
  /** Why it ended last, or what its check says, in words. */
  readonly lastEnd: string | null;
  /** When a service that waits is started again. */
  readonly nextTryAt: string | null;
  /** Published ports, as the system writes them: `127.0.0.1:8443->8443/tcp`. */
  readonly ports: readonly string[];
}

export interface UpgradeOptions {
  /** Runners as well while they have sessions, which end with them. */
  readonly runners: boolean;
  /** For each service, until its new version is ready. */
  readonly timeoutMs: number;
  readonly onReplaced: (replaced: Replaced) => void;
}

/** What became of a service. */
export interface Replaced {
  readonly service: string;
  readonly how: 'replaced' | 'kept' | 'failed';
  /** In words, where it was not replaced. */
  readonly because: string;
  /** Viewers were told to come back within this time. */
  readonly tookMs: number;
}

export interface LogOptions {
  /** Empty: all. */
  readonly sources: readonly string[];
  /** Of each source, to begin with. */
  readonly lines: number;
  readonly follow: boolean;
}

/** What `verify` reads of a fleet beside its own dials. */
export interface Evidence extends AsyncDisposable {
  /** Files that grow with what is logged. */
  readonly logs: Readonly<Partial<Record<EvidenceLog, string>>>;
  /** Where a gateway listens past the ingress; undefined when none runs, or when it cannot be reached from here. */
  readonly gateway: { readonly host: string; readonly port: number } | undefined;
  /** Whether runners can be dialled from here, past the gateway. */
  readonly reachesRunners: boolean;
  /** Where packets are recorded, as `--capture` takes it: `auto`, `pid:1234,pid:1240`. */
  readonly capture: string;
  /** Resolves when what was said up to now is in the files. */
  settled(): Promise<void>;
  /** The replicas now, as `status` gives them. */
  services(): Promise<readonly ServiceStatus[]>;
}

export type EvidenceLog = 'traefik' | 'gateway' | 'runner' | 'control' | 'supervisor';
