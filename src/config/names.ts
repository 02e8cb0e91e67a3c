import { channel, nearest } from '../core/index.js';

const STRICT_PREFIXES = ['CAMOFLEET_', 'RUNNER_', 'CONTROL_', 'VNC_'];

/** What Kubernetes injects for each service: never ours, whatever the service is called. */
const INJECTED = [/_SERVICE_HOST$/, /_SERVICE_PORT(_|$)/, /_PORT_\d+_(TCP|UDP|SCTP)(_|$)/];
const INJECTED_ADDRESS = /^(tcp|udp|sctp):\/\//;

/** A name without our prefixes this close to a known one is a typo of it; short names are near to everything. */
const NEAR_MISSES = [
  { minLength: 8, edits: 1 },
  { minLength: 12, edits: 2 },
];
/** What our other names end in, where that is a unit: leaving it out is a miss as well. */
const UNIT = /_MS$/;
/** Names of a family that many programs know: one letter away from ours, and not a typo. */
const FOREIGN = /^HTTPS_/;

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Problems with the names in an environment: unknown names under our prefixes, and near misses of our other names.
 * `HTTP_PROXY` and its like are nobody's typo.
 */
export function strictNameProblems(env: Environment, knownNames: Iterable<string>): string[] {
  const known = new Set(knownNames);
  const unprefixed = [...known].filter((name) => !hasStrictPrefix(name));
  return Object.entries(env).flatMap(([name, value]) => {
    if (value === undefined || known.has(name) || isInjected(name, value)) return [];
    const close = hasStrictPrefix(name) ? nearest(name, known) : nearMiss(name, unprefixed);
    return close || hasStrictPrefix(name) ? [`${name} is not a setting${close ? `; did you mean ${close}?` : ''}`] : [];
  });
}

/** The value of a name, unless Kubernetes injected it: a service called `runner` gives every pod RUNNER_PORT=tcp://… */
export function valueOf(env: Environment, name: string): string | undefined {
  const value = env[name];
  return value === undefined || isInjected(name, value) ? undefined : value;
}

/** Says at level debug which names of ours were ignored because Kubernetes injects such names. */
const ignored = channel<{ readonly names: readonly string[] }>('settings.ignored');

export const SETTINGS_CHANNELS = [{ channel: ignored, level: 'debug' }] as const;

/** Announces the names that look like ours and are ignored as Kubernetes injected them; nothing when there are none. */
export function announceIgnored(env: Environment, knownNames: Iterable<string>): void {
  const known = new Set(knownNames);
  const names = Object.entries(env).flatMap(([name, value]) =>
    value !== undefined && (hasStrictPrefix(name) || known.has(name)) && isInjected(name, value) ? [name] : [],
  );
  if (names.length > 0) ignored.publish({ names });
}

function nearMiss(name: string, candidates: readonly string[]): string | undefined {
  if (FOREIGN.test(name)) return undefined;
  const edits = Math.max(
    0,
    ...NEAR_MISSES.filter(({ minLength }) => name.length >= minLength).map((miss) => miss.edits),
  );
  const withoutUnit = candidates.find((candidate) => candidate.replace(UNIT, '') === name);
  return withoutUnit ?? (edits > 0 ? nearest(name, candidates, edits) : undefined);
}

function hasStrictPrefix(name: string): boolean {
  return STRICT_PREFIXES.some((prefix) => name.startsWith(prefix));
}

function isInjected(name: string, value: string): boolean {
  return INJECTED.some((pattern) => pattern.test(name)) || (name.endsWith('_PORT') && INJECTED_ADDRESS.test(value));
}
