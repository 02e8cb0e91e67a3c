import { BlockList, isIP, isIPv6 } from 'node:net';
import { publicOrigin } from '../../topology/index.js';
import type { Verdict } from '../check.js';
import type { DialFacts } from '../probe/facts.js';
import type { Vantage } from '../subjects/index.js';
import type { CheckContext } from './context.js';
import { failed, sawIn } from './dialled.js';

/** Names that no public resolver knows (RFC 6761, RFC 6762, and what container platforms use inside). */
const INTERNAL =
  /^(?!localhost$)[^.]+$|\.(?:internal|local|lan|localdomain|svc|home\.arpa|cluster\.local|corp|intranet|private|docker|test|invalid)$/i;

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
  const outside = isPrivate(hostname) ? await reachedAt(hostname, context) : undefined;
  return outside
    ? { words: `${hostname} is an address of the inside of a network; ${outside} answers`, confidence: 'likely' }
    : undefined;
}

const PRIVATE = privateAddresses();

/** What no router of the internet carries (RFC 1918, RFC 3927, RFC 4193, RFC 6598), and what stays in a machine. */
function privateAddresses(): BlockList {
  const list = new BlockList();
  for (const [network, bits] of [
    ['10.0.0.0', 8],
    ['172.16.0.0', 12],
    ['192.168.0.0', 16],
    ['100.64.0.0', 10],
    ['169.254.0.0', 16],
    ['127.0.0.0', 8],
  ] as const)
    list.addSubnet(network, bits, 'ipv4');
  list.addSubnet('fc00::', 7, 'ipv6');
  list.addAddress('::1', 'ipv6');
  return list;
}

function isPrivate(hostname: string): boolean {
  const address = hostname.replace(/^\[|\]$/g, '');
  return isIP(address) !== 0 && PRIVATE.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
}

/** Another host at which the page, or the API, was reached. */
async function reachedAt(hostname: string, { subject, prepared, page }: CheckContext): Promise<string | undefined> {
  const api = prepared.api?.at === undefined ? undefined : new URL(prepared.api.at);
  if (api && !prepared.problem && api.hostname !== hostname) return api.host;
  const { page: at } = subject ?? {};
  return at && at.hostname !== hostname && (await page(at)).status === 200 ? at.host : undefined;
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
