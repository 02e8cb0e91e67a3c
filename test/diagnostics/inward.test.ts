import { describe, expect, test } from 'vitest';
import { CODES } from '../../src/diagnostics/codes.ts';
import { type Dials, blameAmong } from '../../src/diagnostics/inward.ts';
import type { DialFacts } from '../../src/diagnostics/probe/facts.ts';

const OPEN: DialFacts = { stage: 'open' };
const REFUSED: DialFacts = { stage: 'tcp', errorCode: 'ECONNREFUSED' };
const UNSEEN: DialFacts = { stage: 'tcp' };
const DEAF: DialFacts = { stage: 'greeting', stop: 'silence' };

function answered(status: number, { tookMs = 3, body = '' } = {}): DialFacts {
  return { stage: 'http', http: { status, headers: {}, body, key: 'k', wantedAccept: 'a', tookMs } };
}

function told(code: string, status = 502): DialFacts {
  return answered(status, { body: JSON.stringify({ code }) });
}

function ended(stoppedAfterMs: number, closeCode?: number): DialFacts {
  return { stage: 'greeting', stop: 'ended', stoppedAfterMs, ...(closeCode !== undefined && { closeCode }) };
}

type Row = readonly [what: string, dials: Dials, expected: string];

/** What is dialled at the public URL or at the gateway, and from further inside. */
const ROWS: readonly Row[] = [
  ['403 of the gateway itself', { gateway: answered(403) }, 'CF-GATEWAY-REFUSED likely'],
  ['403, and the runner is well', { gateway: answered(403), rfb: OPEN }, 'CF-GATEWAY-REFUSED proven'],
  ['403 at both', { public: answered(403), gateway: answered(403), rfb: OPEN }, 'CF-GATEWAY-REFUSED proven'],
  ['403 in public alone', { public: answered(403), gateway: OPEN, rfb: OPEN }, 'CF-TRAEFIK-AUTH proven'],
  [
    '403 after a dial ran out of time',
    { gateway: answered(403, { tookMs: 5_003 }), rfb: OPEN },
    'CF-NETWORK-BLOCKED likely',
  ],
  ['403, and nothing listens at the runner', { gateway: answered(403), rfb: REFUSED }, 'CF-RUNNER-REFUSED likely'],
  [
    '403 at once, and we cannot look at the runner',
    { gateway: answered(403), rfb: UNSEEN },
    'CF-GATEWAY-REFUSED likely',
  ],
  ['an id that the gateway does not know', { public: ended(4, 1008), rfb: OPEN }, 'CF-GATEWAY-ID proven'],
  ['no place, said behind the 101', { public: ended(4, 1013) }, 'CF-GATEWAY-FULL likely'],
  ['stopping, said behind the 101', { gateway: ended(4, 1012), rfb: OPEN }, 'CF-GATEWAY-DRAINING proven'],
  ['101, then 1011 at once', { public: ended(4, 1011) }, 'CF-GATEWAY-DIAL likely'],
  ['101, then 1011 at once, and the runner is well', { public: ended(4, 1011), rfb: OPEN }, 'CF-GATEWAY-DIAL proven'],
  ['101, then 1011 at once, and no runner', { public: ended(4, 1011), rfb: REFUSED }, 'CF-RUNNER-REFUSED proven'],
  ['101, then 1011 after seconds', { public: ended(5_001, 1011), rfb: OPEN }, 'CF-NETWORK-BLOCKED likely'],
  ['101, then nothing, and the runner is well', { public: DEAF, rfb: OPEN }, 'CF-NETWORK-BLOCKED likely'],
  ['101, then nothing', { public: DEAF }, 'CF-RUNNER-SILENT likely'],
  ['no greeting anywhere', { public: DEAF, gateway: DEAF, rfb: DEAF }, 'CF-RUNNER-SILENT proven'],
  ['no greeting, said by the gateway', { public: told('greeting_timeout', 504), rfb: DEAF }, 'CF-RUNNER-SILENT proven'],
  ['no answer of the runner', { public: told('runner_timeout', 504), rfb: OPEN }, 'CF-NETWORK-BLOCKED likely'],
  [
    'no answer of the runner, seen by the gateway alone',
    { gateway: told('runner_timeout', 504) },
    'CF-NETWORK-BLOCKED likely',
  ],
  ['refused to the gateway, not to us', { gateway: told('runner_refused'), rfb: OPEN }, 'CF-GATEWAY-DIAL proven'],
  ['refused to the gateway', { gateway: told('runner_refused') }, 'CF-RUNNER-REFUSED proven'],
  ['refused to both', { gateway: told('runner_refused'), rfb: REFUSED }, 'CF-RUNNER-REFUSED proven'],
  ['an id unknown to ours, and no runner', { gateway: told('unknown_id', 404), rfb: REFUSED }, 'CF-GATEWAY-ID proven'],
  ['a web server as target', { public: { stage: 'greeting', stop: 'malformed' } }, 'CF-GATEWAY-NOT-RFB likely'],
  [
    'a web server as target, and the runner is well',
    { public: { stage: 'greeting', stop: 'malformed' }, gateway: { stage: 'greeting', stop: 'malformed' }, rfb: OPEN },
    'CF-GATEWAY-NOT-RFB proven',
  ],
  [
    'RFB in text messages, as base64 has it',
    { public: { stage: 'greeting', stop: 'malformed', sentText: true } },
    'CF-GATEWAY-SUBPROTOCOL likely',
  ],
  [
    'a frame that nothing allows',
    { gateway: { stage: 'greeting', stop: 'malformed', brokeFrames: true }, rfb: OPEN },
    'CF-GATEWAY-FRAMES proven',
  ],
  [
    'a frame that nothing allows, later, and nobody looked at the runner',
    { public: { stage: 'frame', stop: 'malformed', brokeFrames: true } },
    'CF-GATEWAY-FRAMES likely',
  ],
  [
    'a frame that nothing allows, later',
    { public: { stage: 'frame', stop: 'malformed', brokeFrames: true }, rfb: OPEN },
    'CF-GATEWAY-FRAMES proven',
  ],
  ['no answer of HTTP, and the runner is well', { gateway: { stage: 'http' }, rfb: OPEN }, 'CF-GATEWAY-SILENT proven'],
  [
    'a picture that stops in the relay',
    { gateway: { stage: 'frame', stop: 'silence' }, rfb: OPEN },
    'CF-GATEWAY-SILENT proven',
  ],
  ['502 in public, nothing at the gateway', { public: answered(502), gateway: REFUSED }, 'CF-GATEWAY-DOWN likely'],
  ['502 in public alone', { public: answered(502), gateway: OPEN }, 'CF-TRAEFIK-BACKEND proven'],
  [
    '404 of the ingress, another one of the gateway',
    { public: answered(404), gateway: answered(403) },
    'CF-TRAEFIK-ROUTE likely',
  ],
  ['404 at both', { public: answered(404), gateway: answered(404), rfb: OPEN }, 'CF-GATEWAY-ID proven'],
  ['a name that nobody knows', { public: { stage: 'dns' }, gateway: REFUSED }, 'CF-DNS-NAME proven'],
  [
    '101, then 1011 at once, and we cannot dial the gateway',
    { public: ended(4, 1011), gateway: REFUSED, rfb: OPEN },
    'CF-GATEWAY-DIAL proven',
  ],
  ['the runner, asked itself', { rfb: REFUSED }, 'CF-RUNNER-REFUSED likely'],
];

describe('who is to blame, seen from several places', () => {
  test.each(ROWS)('%s', (_what, dials, expected) => {
    const vantage = dials.public ? 'public' : dials.gateway ? 'gateway' : 'rfb';
    const { code, confidence, hop } = blameAmong(dials, vantage);
    expect(`${code} ${confidence}`).toBe(expected);
    expect(hop).toBe(CODES[code].hop);
  });
});
