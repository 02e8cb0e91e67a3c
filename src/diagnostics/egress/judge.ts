import { isIPv6 } from 'node:net';
import type { Finding } from '../../report/index.js';
import { hopOf } from '../blame.js';
import { CODES } from '../codes.js';
import type { EgressSight, Way } from './probe.js';

/** A site that answers here and not where the remote browser lives: by all ways, or by some of them. */
export function findingsOfEgress(sight: EgressSight | undefined): readonly Finding[] {
  const lost = sight?.ways.filter(({ here, there }) => here && !there) ?? [];
  if (!sight || lost.length === 0) return [];
  const kept = sight.ways.filter(({ there }) => there);
  const code = 'CF-RUNNER-EGRESS';
  const { want, remedy, not } = CODES[code];
  const saw = `from the runner ${sight.site} does not answer by ${wordsOf(lost)}, and does by ${wordsOf(kept) || 'nothing'}; from here it answers by all of these`;
  return [
    {
      code,
      hop: hopOf(code),
      severity: 'warn',
      confidence: 'proven',
      saw,
      want,
      remedy,
      not,
      evidence: [{ file: 'report.json', text: `this machine: ${saw}` }],
    },
  ];
}

function wordsOf(ways: readonly Way[]): string {
  return ways.map(({ address, transport }) => `${transport} over ${isIPv6(address) ? 'IPv6' : 'IPv4'}`).join(', ');
}
