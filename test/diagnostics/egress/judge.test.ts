import { describe, expect, test } from 'vitest';
import { findingsOfEgress } from '../../../src/diagnostics/egress/index.ts';
import type { Way } from '../../../src/diagnostics/egress/probe.ts';

const TCP: Way = { address: '10.0.0.1', transport: 'TCP', here: true, there: true };
const QUIC: Way = { ...TCP, transport: 'QUIC' };

describe('a site, tried from where the remote browser lives', () => {
  test('that answers by every way is well, and so is one that nobody tried', () => {
    expect(findingsOfEgress({ site: 's:443', ways: [TCP, QUIC] })).toEqual([]);
    expect(findingsOfEgress(undefined)).toEqual([]);
  });

  test.each<readonly [what: string, ways: readonly Way[], saw: string]>([
    ['not by QUIC', [TCP, { ...QUIC, there: false }], 'does not answer by QUIC over IPv4, and does by TCP over IPv4'],
    ['not over IPv6', [TCP, { ...TCP, address: '::1', there: false }], 'does not answer by TCP over IPv6'],
    ['not at all', [{ ...TCP, there: false }], 'and does by nothing'],
  ])('%s, is a warning about the runner, not about the path', (_what, ways, saw) => {
    const [found] = findingsOfEgress({ site: 's:443', ways });
    expect(found).toMatchObject({ code: 'CF-RUNNER-EGRESS', hop: 'runner', severity: 'warn', confidence: 'proven' });
    expect(found?.saw).toContain(saw);
  });

  test('that does not answer here either, says nothing', () => {
    expect(findingsOfEgress({ site: 's:443', ways: [TCP, { ...QUIC, here: false, there: false }] })).toEqual([]);
  });
});
