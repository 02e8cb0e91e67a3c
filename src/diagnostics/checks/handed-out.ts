import { publicOrigin } from '../../topology/index.js';
import type { Verdict } from '../check.js';
import type { DialFacts } from '../probe/facts.js';
import type { Vantage } from '../subjects/index.js';
import type { CheckContext } from './context.js';
import { failed, sawIn } from './dialled.js';

/** Names that no public resolver knows (RFC 6761, RFC 6762, and what container platforms use inside). */
const INTERNAL = /^(?!localhost$)[^.]+$|\.(?:internal|local|lan|localdomain|svc|home\.arpa|cluster\.local)$/i;

/**
 * A public address that does not answer at all: the URL is to blame where whoever handed it out, or the page that dials it,
 * answers elsewhere, or where its name is one that only works inside a network.
 */
export async function unanswered(
  facts: DialFacts,
  want: string,
  vantage: Vantage,
  context: CheckContext,
): Promise<Verdict> {
  const because = vantage === 'public' ? await misdirected(facts, context) : undefined;
  if (because === undefined) return failed(facts, want, vantage);
  const saw = `${sawIn(facts)}; ${because.words}`;
  return { status: 'fail', saw, want, code: 'CF-CONTROL-URL', hop: 'control', confidence: because.confidence };
}

interface Because {
  readonly words: string;
  readonly confidence: 'proven' | 'likely';
}

async function misdirected({ stage }: DialFacts, context: CheckContext): Promise<Because | undefined> {
  const { front, subject, prepared, topology } = context;
  if (front?.target.kind !== 'socket') return undefined;
  const { url } = front.target;
  const { host, hostname } = url;
  const base = await otherBase(url, context);
  if (base !== undefined) return { words: `the same socket opens at ${base}`, confidence: 'proven' };
  if (topology && new URL(publicOrigin(topology)).host === host) return undefined; // as it was configured
  const isHandedOut = prepared.api !== undefined && prepared.problem === undefined && subject?.session !== undefined;
  const isInternal = INTERNAL.test(hostname);
  if (stage === 'dns' && isHandedOut)
    return { words: `the API that handed out ${host} answers`, confidence: isInternal ? 'proven' : 'likely' };
  if (stage === 'dns' && isInternal)
    return { words: `${hostname} is a name of the inside of a network`, confidence: 'likely' };
  return undefined;
}

/** Where the page or the API was reached, and takes the same socket. */
async function otherBase(url: URL, { subject, prepared, takes }: CheckContext): Promise<string | undefined> {
  const known = [subject?.page?.href, prepared.api?.at].filter((at) => at !== undefined).map((at) => new URL(at));
  for (const { host, protocol } of known) {
    if (host === url.host) continue;
    const at = new URL(`${protocol === 'https:' ? 'wss' : 'ws'}://${host}${url.pathname}${url.search}`);
    if (await takes(at)) return host;
  }
  return undefined;
}
