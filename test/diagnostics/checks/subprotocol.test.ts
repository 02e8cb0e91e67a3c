import { expect, test } from 'vitest';
import { judgeSubprotocol } from '../../../src/diagnostics/checks/subprotocol.ts';
import type { DialFacts, Stage } from '../../../src/diagnostics/probe/facts.ts';

function answered(subprotocol: string | undefined, stage: Stage = 'open', failure?: string): DialFacts {
  const headers = subprotocol === undefined ? {} : { 'sec-websocket-protocol': subprotocol };
  const http = { status: 101, headers, body: '', key: 'k', wantedAccept: 'a', tookMs: 1 };
  return { stage, http, ...(failure !== undefined && { failure }) };
}

const GOOD = answered('binary');
const NONE = answered(undefined);

type Row = readonly [
  what: string,
  offering: DialFacts,
  silent: DialFacts | undefined,
  inner: DialFacts | undefined,
  expected: string,
];

test.each<Row>([
  ['binary where it is offered, none where nothing is', GOOD, NONE, undefined, 'pass'],
  ['binary, and nobody could look at the other', GOOD, undefined, undefined, 'pass'],
  ['none, ever', NONE, NONE, undefined, 'warn CF-GATEWAY-SUBPROTOCOL likely'],
  ['binary, ever', GOOD, answered('binary', 'upgrade'), undefined, 'warn CF-GATEWAY-SUBPROTOCOL proven'],
  [
    'base64, ever',
    answered('base64', 'upgrade'),
    answered('base64', 'upgrade'),
    undefined,
    'fail CF-GATEWAY-SUBPROTOCOL proven',
  ],
  [
    'base64 where binary is offered',
    answered('base64', 'upgrade'),
    NONE,
    undefined,
    'fail CF-GATEWAY-SUBPROTOCOL proven',
  ],
  [
    'a refusal where nothing is offered',
    GOOD,
    answered(undefined, 'http', 'answered 400 instead of 101'),
    undefined,
    'warn CF-GATEWAY-SUBPROTOCOL proven',
  ],
  [
    'text frames where nothing is offered',
    GOOD,
    answered(undefined, 'greeting', 'a text message came'),
    undefined,
    'warn CF-GATEWAY-SUBPROTOCOL proven',
  ],
  ['none in public, binary at the gateway', NONE, NONE, GOOD, 'warn CF-EDGE-UPGRADE proven'],
  [
    'a password that is wanted, either way',
    answered('binary', 'security'),
    answered(undefined, 'security'),
    undefined,
    'pass',
  ],
])('%s', (_what, offering, silent, inner, expected) => {
  const verdict = judgeSubprotocol({ offering, silent, inner });
  const said = 'code' in verdict ? [verdict.status, verdict.code, verdict.confidence] : [verdict.status];
  expect(said.join(' ')).toBe(expected);
});
