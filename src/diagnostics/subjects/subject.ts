import type { DialTarget } from '../probe/dial.js';

export const MODES = ['still', 'moving', 'watch-only'] as const;
export type Mode = (typeof MODES)[number];

/** From where a session is dialled, from the outside in. */
export const VANTAGES = ['public', 'gateway', 'rfb'] as const;
export type Vantage = (typeof VANTAGES)[number];

/** A session as it is watched: what it shows, and how to reach it from each vantage point that is known. */
export interface Subject {
  readonly mode: Mode;
  readonly session: string | undefined;
  readonly isTestCard: boolean;
  readonly targets: Partial<Readonly<Record<Vantage, DialTarget>>>;
  readonly page: URL | undefined;
  /** The page that shows it in a frame, where one is known. */
  readonly frame?: URL | undefined;
}

/** Why sessions could not be had, by what is to blame. */
export interface Problem {
  readonly kind: 'full' | 'refused' | 'control' | 'runner' | 'start';
  readonly saw: string;
}

/** The outermost way in that is known. */
export interface Front {
  readonly vantage: Vantage;
  readonly target: DialTarget;
}

export interface Prepared extends AsyncDisposable {
  readonly subjects: readonly Subject[];
  /** The way in as far as it is known without a session; undefined when nothing is. */
  readonly entrance: Front | undefined;
  /** An API was asked; undefined where none is part of the run. */
  readonly api: { readonly saw: string; readonly at?: string } | undefined;
  /** Verify made the sessions itself. */
  readonly isOwn: boolean;
  /** Why vantages or modes are missing, for the report. */
  readonly skips: readonly { readonly what: string; readonly because: string }[];
  /** Why not all could be prepared. */
  readonly problem: Problem | undefined;
  /** Keeps sessions of verify alive; call it more often than their TTL. */
  touch(): Promise<void>;
}

/** The outermost vantage point of a subject. */
export function frontOf({ targets }: Pick<Subject, 'targets'>): Front | undefined {
  for (const vantage of VANTAGES) {
    const target = targets[vantage];
    if (target) return { vantage, target };
  }
  return undefined;
}
