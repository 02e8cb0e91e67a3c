import { nearest } from '../core/index.js';

const STRICT_PREFIXES = ['CAMOFLEET_', 'RUNNER_', 'CONTROL_', 'VNC_'];

/** What Kubernetes injects for each service: never ours, whatever the service is called. */
const INJECTED = [/_SERVICE_HOST$/, /_SERVICE_PORT(_|$)/, /_PORT_\d+_(TCP|UDP|SCTP)(_|$)/];

/** A name without our prefixes this close to a known one is a typo of it (one edit or one swap). */
const NEAR_MISS = 1;
/** Short names are near to everything. */
const NEAR_MISS_MIN_LENGTH = 8;

/**
 * Problems with the names in an environment: unknown names under our prefixes, and near misses of our other names.
 * `HTTP_PROXY` and its like are nobody's typo.
 */
export function strictNameProblems(
  env: Readonly<Record<string, string | undefined>>,
  knownNames: Iterable<string>,
): string[] {
  const known = new Set(knownNames);
  const unprefixed = [...known].filter((name) => !hasStrictPrefix(name));
  return Object.entries(env).flatMap(([name, value]) => {
    if (value === undefined || known.has(name) || isInjected(name, value)) return [];
    if (hasStrictPrefix(name)) {
      const close = nearest(name, known);
      return [`${name} is not a setting${close ? `; did you mean ${close}?` : ''}`];
    }
    const close = name.length >= NEAR_MISS_MIN_LENGTH ? nearest(name, unprefixed, NEAR_MISS) : undefined;
    return close ? [`${name} is not a setting; did you mean ${close}?`] : [];
  });
}

function hasStrictPrefix(name: string): boolean {
  return STRICT_PREFIXES.some((prefix) => name.startsWith(prefix));
}

function isInjected(name: string, value: string): boolean {
  return (
    INJECTED.some((pattern) => pattern.test(name)) || (name.endsWith('_PORT') && /^(tcp|udp|sctp):\/\//.test(value))
  );
}
