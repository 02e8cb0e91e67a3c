import type { DialFacts } from '../probe/facts.js';
import type { SocketTarget } from '../probe/look.js';
import { isLost, isUnknown } from './again.js';
import type { Look } from './plan.js';
import { encodedQuery, splitQuery } from './query.js';

/** Equal attempts: servers are dealt in turn, so that two of them show in the first two. */
const ATTEMPTS = 5;
/** A list of servers that lags behind is told anew within seconds. */
const PATIENCE_S = 3;
/** A path that no router and no page is made for. */
const MADE_UP = '/no-such-path-of-anybody/nothing';

/** What is looked at again at the public address alone, where an ingress deals requests out by their paths. */
export function looksAtIngress(target: SocketTarget, facts: DialFacts, gateway: SocketTarget | undefined): Look[] {
  if (facts.stage !== 'http') return [];
  const looks: Look[] = [{ what: 'made-up', target: madeUp(target), isUpgrade: true }];
  const encoded = encodedQuery(target.url);
  if (encoded) looks.push({ what: 'encoded', target: { ...target, url: encoded }, isUpgrade: true });
  if (encoded && gateway)
    looks.push({ what: 'inner-split', target: { ...gateway, url: splitQuery(gateway.url) }, isUpgrade: true });
  const again: Look = { what: 'again', target, isUpgrade: true };
  if (isUnknown(facts) || isLost(facts)) looks.push(...Array.from({ length: ATTEMPTS }, () => again));
  if (isLost(facts)) looks.push(...Array.from({ length: PATIENCE_S }, () => ({ ...again, afterMs: 1_000 })));
  return looks;
}

/** Where the log of an ingress says that it sends the handshake; without the query, which is for the gateway alone. */
export function beyondTarget(target: SocketTarget, serviceAddr: string): SocketTarget | undefined {
  const url = `ws://${serviceAddr}${MADE_UP}`;
  return URL.canParse(url) ? { ...target, headers: {}, url: new URL(url) } : undefined;
}

function madeUp(target: SocketTarget): SocketTarget {
  return { ...target, url: new URL(MADE_UP, target.url) };
}
