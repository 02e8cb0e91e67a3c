import { describe, expect, test } from 'vitest';
import type { TcpFlow } from '../../src/diagnostics/pcap/index.ts';
import { findingsOfFlows } from '../../src/diagnostics/stalled.ts';

const SIDE = { packets: 9, bytes: 9, retransmissions: 0, zeroWindows: 1, shutSinceMs: null, lastDataAtMs: 1_000 };
const END = { packet: 77, atMs: 30_000, client: '10.0.0.2:4000', server: '10.0.0.7:5900', text: 'RST of the server' };

function flow(more: Partial<TcpFlow> = {}): TcpFlow & { readonly file: string } {
  return {
    file: 'slow.pcap',
    client: END.client,
    server: END.server,
    handshake: 'complete',
    firstPacket: 1,
    startedAtMs: 0,
    firstPayload: { by: 'server', kind: 'rfb', packet: 4 },
    banner: { packet: 4, version: '003.008' },
    wsKey: undefined,
    end: { ...END, by: 'server', how: 'rst' },
    signals: [],
    up: { ...SIDE, shutSinceMs: 9_000 },
    down: SIDE,
    ...more,
  };
}

describe('a flow whose reader stopped', () => {
  test('until the RFB server gave it up is the slow viewer that the runner cut, with the packet', () => {
    const [found, ...others] = findingsOfFlows([flow()]);
    expect(others).toEqual([]);
    expect(found).toMatchObject({ code: 'CF-RUNNER-SLOW', hop: 'runner', confidence: 'proven' });
    expect(found?.saw).toContain('21.0 s');
    expect(found?.evidence).toEqual([{ file: 'slow.pcap', packet: 77, text: 'RST of the server' }]);
  });

  test.each<readonly [what: string, more: Partial<TcpFlow>]>([
    ['and read on before the end', { up: SIDE }],
    ['and left by itself', { end: { ...END, by: 'client', how: 'fin' } }],
    ['for a moment', { up: { ...SIDE, shutSinceMs: 28_000 } }],
    ['and lives', { end: undefined }],
    [
      'of a server that is no RFB server',
      { banner: undefined, firstPayload: { by: 'client', kind: 'http', packet: 4 } },
    ],
  ])('%s is nobody’s fault', (_what, more) => {
    expect(findingsOfFlows([flow(more)])).toEqual([]);
  });
});
