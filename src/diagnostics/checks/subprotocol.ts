import type { Verdict } from '../check.js';
import { type DialFacts, STAGES } from '../probe/facts.js';

interface Offers {
  /** A viewer that offers `binary`, as older ones do. */
  readonly offering: DialFacts;
  /** A viewer that offers nothing, as newer ones do; undefined where that could not be seen. */
  readonly silent: DialFacts | undefined;
  /** The one that offers, at the gateway itself. */
  readonly inner: DialFacts | undefined;
}

const WANT = 'exactly one of what was offered, or none where nothing was';

/** What browsers do with the subprotocol of an answer: what breaks one kind of viewer is a warning, what breaks both a failure. */
export function judgeSubprotocol({ offering, silent, inner }: Offers): Verdict {
  const selected = selectedBy(offering);
  const flaws = [flawOfOffering(selected), silent && flawOfSilent(silent, offering)];
  const [first, ...others] = flaws.filter((flaw) => flaw !== undefined);
  if (first === undefined) return { status: 'pass', saw: selected ?? 'none' };
  const isDropped = selected === undefined && inner !== undefined && selectedBy(inner) === 'binary';
  const breaksAll = others.length > 0 || (selected !== undefined && selected !== 'binary');
  return {
    status: breaksAll ? 'fail' : 'warn',
    saw: [first, ...others].join('; ') + (isDropped ? '; the gateway itself selected binary' : ''),
    want: WANT,
    ...(isDropped ? DROPPED : { code: 'CF-GATEWAY-SUBPROTOCOL', hop: 'gateway' }),
    confidence: isDropped || selected !== undefined ? 'proven' : 'likely',
    wsKey: offering.http?.key,
  };
}

const DROPPED = { code: 'CF-EDGE-UPGRADE', hop: 'edge' } as const;

function selectedBy({ http }: DialFacts): string | undefined {
  return http?.headers['sec-websocket-protocol'];
}

function flawOfOffering(selected: string | undefined): string | undefined {
  if (selected === 'binary') return undefined;
  return selected === undefined
    ? 'binary was offered and none selected, which browsers reject'
    : `binary was offered and ${selected} selected, which browsers reject`;
}

function flawOfSilent(silent: DialFacts, offering: DialFacts): string | undefined {
  const selected = selectedBy(silent);
  if (selected !== undefined) return `nothing was offered and ${selected} selected, which browsers reject`;
  const isWorse = STAGES.indexOf(silent.stage) < STAGES.indexOf(offering.stage);
  return isWorse ? `a viewer that offers nothing is refused: ${silent.failure ?? silent.stage}` : undefined;
}
