import { describe, expect, test } from 'vitest';
import type { CollectedLogs } from '../../../src/diagnostics/collection/index.ts';
import { judge } from '../../../src/diagnostics/hold/index.ts';
import type { JudgedStream } from '../../../src/diagnostics/hold/judged.ts';
import {
  CUT_AT,
  ENDED_AT,
  REFUSED,
  answered,
  closed,
  cut,
  frozen,
  held,
  inputOf,
  lines,
  parseAccessLog,
  unopened,
} from './support/scene.ts';

type Row = readonly [what: string, expected: string, streams: readonly JudgedStream[], logs?: Partial<CollectedLogs>];

const everywhere = (make: (vantage: 'public' | 'gateway' | 'rfb') => JudgedStream): JudgedStream[] =>
  (['public', 'gateway', 'rfb'] as const).map(make);
const busy = { mode: 'moving' } as const;
const BUSY_LIVES = everywhere((vantage) => held(vantage, busy));

const ended = (reason: string, detail: string, atMs = 0): Partial<CollectedLogs> => ({
  runner: lines({ event: 'session.ended', session: 'quiet', reason, detail, atMs }),
});
const died = (service: string, how = 'ended by SIGKILL'): Partial<CollectedLogs> => ({
  supervisor: lines({ event: 'service.died', service, how }),
});
const said = (wsKey: string, cause: string, by = 'x'): Partial<CollectedLogs> => ({
  gateway: lines({ event: 'session.closed', wsKey, cause, by }),
});

const RUNNER: readonly Row[] = [
  ['all three are cut: nobody else carries the raw stream', 'CF-RUNNER-CLOSED proven', everywhere((at) => cut(at))],
  ['the raw stream alone', 'CF-RUNNER-CLOSED proven', [held('public'), held('gateway'), cut('rfb')]],
  ['x11vnc died', 'CF-RUNNER-VNC proven', everywhere((at) => cut(at)), ended('crashed', 'x11vnc ended by SIGKILL')],
  [
    'Xvfb died, and x11vnc 4 s later',
    'CF-RUNNER-DISPLAY proven',
    everywhere((at) => cut(at)),
    ended('crashed', 'Xvfb ended by SIGKILL', -4_000),
  ],
  [
    'the browser ended',
    'CF-BROWSER-EXIT proven',
    everywhere((at) => cut(at)),
    ended('crashed', 'browser exited with code 1'),
  ],
  ['the runner itself died', 'CF-RUNNER-GONE proven', everywhere((at) => cut(at)), died('runner')],
  [
    'the runner was told to stop',
    'CF-RUNNER-CLOSED proven',
    everywhere((at) => cut(at)),
    ended('shutdown', 'the runner stops'),
  ],
  [
    'nobody looked at the raw port, and the gateway says upstream_closed',
    'CF-RUNNER-CLOSED likely',
    [closed('public', 4502), closed('gateway', 4502)],
  ],
  [
    '… and so does its log',
    'CF-RUNNER-CLOSED proven',
    [closed('public', 4502), closed('gateway', 4502)],
    said('still gateway', 'upstream_closed', 'runner'),
  ],
  ['from outside alone, the gateway says upstream_lost', 'CF-RUNNER-CLOSED likely', [closed('public', 4504)]],
  [
    'the gateway lost one stream of a runner that serves another',
    'CF-RUNNER-CLOSED likely',
    [closed('public', 4504), closed('gateway', 4504), held('rfb')],
    said('still public', 'upstream_lost'),
  ],
  ['a foreign relay ends in order', 'CF-RUNNER-CLOSED possible', [closed('public', 1000), closed('gateway', 1000)]],
  [
    'from outside, a second dial finds that the runner refuses',
    'CF-RUNNER-CLOSED likely',
    [cut('public', {}, { after: answered(502, 'runner_refused') })],
  ],
];

const GATEWAY: readonly Row[] = [
  [
    'public and gateway are cut, the raw stream lives',
    'CF-GATEWAY-CUT proven',
    [cut('public'), cut('gateway'), held('rfb')],
  ],
  [
    '… and the port refuses',
    'CF-GATEWAY-GONE proven',
    [cut('public'), cut('gateway', { how: 'rst' }, { after: REFUSED }), held('rfb')],
  ],
  [
    '… and nobody looked at the raw port',
    'CF-GATEWAY-GONE likely',
    [cut('public'), cut('gateway', {}, { after: REFUSED })],
  ],
  [
    '… and the supervisor saw it die',
    'CF-GATEWAY-GONE proven',
    [cut('public'), cut('gateway'), held('rfb')],
    died('gateway'),
  ],
  [
    '… and it was told to stop',
    'CF-GATEWAY-DRAINING proven',
    [cut('public'), cut('gateway'), held('rfb')],
    { gateway: lines({ event: 'gateway.draining' }) },
  ],
  ['it says 1012', 'CF-GATEWAY-DRAINING likely', [closed('public', 1012)]],
  [
    'it says 1012, and so does its log',
    'CF-GATEWAY-DRAINING proven',
    [closed('public', 1012), held('gateway')],
    said('still public', 'draining'),
  ],
  ['it says slow_viewer', 'CF-GATEWAY-CUT likely', [closed('public', 4413), held('gateway'), held('rfb')]],
  [
    'it says idle, and so does its log',
    'CF-GATEWAY-CUT proven',
    [closed('public', 4408)],
    said('still public', 'idle'),
  ],
  ['it says protocol_error', 'CF-GATEWAY-CUT likely', [closed('public', 1002)]],
  ['from outside, a second dial finds 502', 'CF-GATEWAY-GONE likely', [cut('public', {}, { after: answered(502) })]],
  ['from outside, the supervisor saw it die', 'CF-GATEWAY-GONE proven', [cut('public')], died('gateway')],
];

const INGRESS: readonly Row[] = [
  ['public is cut, the gateway lives', 'CF-TRAEFIK-CUT likely', [cut('public'), held('gateway'), held('rfb')]],
  [
    'public is closed in order, and the gateway lives: Traefik sends no close frames',
    'CF-EDGE-CLOSED likely',
    [closed('public', 1001), held('gateway')],
  ],
  [
    '… and its log lays the end to a viewer that did not leave',
    'CF-EDGE-CLOSED likely',
    [closed('public', 1000), held('gateway')],
    said('still public', 'viewer_closed', 'viewer'),
  ],
  [
    '… and the port refuses',
    'CF-TRAEFIK-STOPPED proven',
    [cut('public', {}, { after: REFUSED }), held('gateway'), held('rfb')],
  ],
  [
    '… and the supervisor saw it die',
    'CF-TRAEFIK-STOPPED proven',
    [cut('public'), held('gateway')],
    died('ingress', 'exited with code 0'),
  ],
  [
    '… and the supervisor stopped it',
    'CF-TRAEFIK-STOPPED proven',
    [cut('public'), held('gateway')],
    { supervisor: lines({ event: 'service.stopped', service: 'ingress', how: 'graceful' }) },
  ],
  [
    '… and the gateway says that the viewer left',
    'CF-TRAEFIK-CUT likely',
    [cut('public'), held('gateway'), held('rfb')],
    said('still public', 'viewer_lost', 'viewer'),
  ],
  [
    'the gateway is cut as well, but much later',
    'CF-TRAEFIK-STOPPED proven',
    [cut('public'), cut('gateway', { at: CUT_AT + 4_000 }), held('rfb')],
    died('ingress'),
  ],
  ['from outside, a second dial is refused', 'CF-TRAEFIK-STOPPED likely', [cut('public', {}, { after: REFUSED })]],
  ['from outside, and it opens again', 'CF-TRAEFIK-CUT possible', [cut('public')]],
  [
    'of two at the public URL the quiet one alone',
    'CF-EDGE-IDLE likely',
    [cut('public'), held('gateway'), held('public', busy)],
  ],
  ['… seen from outside alone', 'CF-EDGE-IDLE possible', [cut('public'), held('public', busy)]],
  [
    'of two at the public URL the busy one alone',
    'CF-TRAEFIK-CUT likely',
    [held('public'), cut('public', {}, busy), held('gateway', busy)],
  ],
];

const CONTROL: readonly Row[] = [
  [
    'released by somebody',
    'CF-CONTROL-RELEASED proven',
    everywhere((at) => closed(at, 4410)),
    ended('released', 'released by the API'),
  ],
  [
    'idle too long',
    'CF-CONTROL-RELEASED proven',
    everywhere((at) => closed(at, 4410)),
    ended('expired', 'idle for 60 s'),
  ],
  ['the gateway says session_ended', 'CF-CONTROL-RELEASED likely', [closed('public', 4410)]],
  ['the gateway says rights_revoked', 'CF-CONTROL-REVOKED likely', [closed('public', 4403), held('rfb')]],
  [
    'from outside, a second dial finds 410',
    'CF-CONTROL-RELEASED likely',
    [cut('public', {}, { after: answered(410, 'session_ended') })],
  ],
];

const UNOPENED: readonly Row[] = [
  [
    'the ingress died before',
    'CF-TRAEFIK-STOPPED proven',
    [unopened('public', REFUSED), held('gateway')],
    died('ingress'),
  ],
  ['the gateway died before', 'CF-GATEWAY-GONE proven', [unopened('gateway', REFUSED)], died('gateway')],
  ['the runner died before', 'CF-RUNNER-GONE proven', [unopened('rfb', REFUSED)], died('runner')],
  ['nobody was seen to die', 'CF-TRAEFIK-DOWN likely', [unopened('public', REFUSED), held('gateway')]],
  ['the gateway is full', 'CF-GATEWAY-FULL proven', [unopened('public', answered(503, 'at_capacity'))]],
];

/** Verify gave it up: it answered pings before, and does not any more. */
const deaf = (vantage: 'public' | 'gateway', more: Partial<JudgedStream> = {}): JudgedStream =>
  cut(vantage, { how: 'timeout' }, more);

const FROZEN: readonly Row[] = [
  ['everywhere', 'CF-RUNNER-FROZEN proven', everywhere((at) => frozen(at))],
  ['past the runner', 'CF-GATEWAY-SILENT proven', [frozen('public'), frozen('gateway'), held('rfb')]],
  [
    'past the runner, and it answers no ping',
    'CF-GATEWAY-SILENT proven',
    [deaf('public'), deaf('gateway'), held('rfb')],
  ],
  ['past the gateway', 'CF-TRAEFIK-SILENT likely', [frozen('public', { after: { stage: 'http' } }), held('gateway')]],
  ['past the gateway, and it opens anew', 'CF-NETWORK-VANISHED likely', [deaf('public'), held('gateway')]],
  ['in public, answers pings, and nobody looked inside', 'CF-RUNNER-FROZEN likely', [frozen('public')]],
  [
    'at the gateway, answers pings, and nobody looked at the raw port',
    'CF-RUNNER-FROZEN likely',
    [frozen('public'), frozen('gateway')],
  ],
  ['at the gateway, answers no ping', 'CF-GATEWAY-SILENT likely', [deaf('public'), deaf('gateway')]],
  ['from outside, no ping, opens anew', 'CF-NETWORK-VANISHED possible', [deaf('public')]],
  ['from outside, no ping, no new upgrade', 'CF-GATEWAY-SILENT likely', [deaf('public', { after: { stage: 'http' } })]],
  [
    'from outside, no ping, no new connection',
    'CF-NETWORK-VANISHED likely',
    [deaf('public', { after: { stage: 'tcp' } })],
  ],
];

function verdictOf(streams: readonly JudgedStream[], logs: Partial<CollectedLogs> | undefined): string[] {
  return judge(inputOf(streams, logs)).findings.map(({ code, confidence }) => `${code} ${confidence}`);
}

const GROUPS: readonly (readonly [who: string, rows: readonly Row[]])[] = [
  ['the runner', RUNNER],
  ['the gateway', GATEWAY],
  ['the ingress, or what is before it', INGRESS],
  ['control', CONTROL],
  ['of a stream that did not open', UNOPENED],
  ['of a stream that gives no picture any more', FROZEN],
];
const ALL = GROUPS.flatMap(([who, rows]) =>
  rows.map(([what, expected, streams, logs]) => ({ what: `${who}: ${what}`, expected, streams, logs })),
);

describe('who let go', () => {
  test.each(ALL)('$what', ({ expected, streams, logs }) => {
    expect(verdictOf(streams, logs)).toEqual([expected]);
  });

  test('of two sessions each has its own culprit, and each stream is laid to the right one', () => {
    const streams = [...everywhere((at) => cut(at)), cut('public', {}, busy), held('gateway', busy), held('rfb', busy)];
    const { findings, blamed } = judge(inputOf(streams, ended('crashed', 'x11vnc ended by SIGKILL')));
    expect(findings.map(({ code }) => code).toSorted()).toEqual(['CF-RUNNER-VNC', 'CF-TRAEFIK-CUT']);
    expect(streams.map((stream) => blamed.get(stream))).toEqual([
      'runner',
      'runner',
      'runner',
      'traefik',
      undefined,
      undefined,
    ]);
  });
});

describe('nobody is accused', () => {
  test.each<readonly [string, readonly JudgedStream[], Partial<CollectedLogs>]>([
    ['when verify ended every stream', [...everywhere((at) => held(at)), ...BUSY_LIVES], {}],
    [
      'when verify ended every stream, whatever the logs say',
      everywhere((at) => held(at)),
      { ...ended('released', 'by verify', 5_600), ...died('gateway') },
    ],
    [
      'when a stream did not open because verify was interrupted',
      [unopened('public', REFUSED, { isAbandoned: true })],
      {},
    ],
    ['when verify did not wait for a last picture', everywhere((at) => held(at, { answeredAtEnd: undefined })), {}],
    ['when nothing was held', [], {}],
  ])('%s', (_what, streams, logs) => {
    expect(judge(inputOf(streams, logs)).findings).toEqual([]);
  });

  test("verify's own release right behind a cut is no release by somebody else", () => {
    const streams = [cut('public', { at: ENDED_AT - 200 }, { after: REFUSED }), held('gateway'), held('rfb')];
    const own = lines({ event: 'session.ended', session: 'quiet', reason: 'released', detail: 'DELETE', atMs: 5_550 });
    expect(judge(inputOf(streams, { runner: own })).findings.map(({ code }) => code)).toEqual(['CF-TRAEFIK-STOPPED']);
  });

  test('what the fleet does when verify is done is no death of a service', () => {
    const later = lines({ event: 'service.stopped', service: 'gateway', how: 'graceful', atMs: 60_000 });
    expect(judge(inputOf([cut('public')], { supervisor: later })).findings.map(({ code }) => code)).toEqual([
      'CF-TRAEFIK-CUT',
    ]);
  });

  test('the release of another session is not that of this one', () => {
    const other = lines({ event: 'session.ended', session: 'other', reason: 'released', detail: 'x' });
    const [found] = judge(
      inputOf(
        everywhere((at) => cut(at)),
        { runner: other },
      ),
    ).findings;
    expect(found!.code).toBe('CF-RUNNER-CLOSED');
  });
});

describe('a finding', () => {
  const logs: Partial<CollectedLogs> = {
    ...died('gateway'),
    gateway: lines(
      { event: 'session.opened' },
      { event: 'session.closed', wsKey: 'still public', cause: 'viewer_lost', by: 'viewer' },
    ),
    access: parseAccessLog([
      '{"DownstreamStatus":0,"Duration":1,"request_Sec-Websocket-Key":"another"}',
      '{"DownstreamStatus":0,"Duration":10004000000,"request_Sec-Websocket-Key":"still public"}',
    ]),
  };
  const packet = (number: number, atMs: number, client: string) => ({
    packet: number,
    atMs,
    client,
    text: `FIN of ${client}`,
  });
  const streams = [
    cut('public', {}, { opening: { stage: 'open', localPort: 40_001 } }),
    cut('gateway', {}, { opening: { stage: 'open', localPort: 40_002 } }),
    held('rfb'),
  ];
  const [found] = judge(
    inputOf(streams, logs, [
      packet(9, CUT_AT - 60_000, '127.0.0.1:1111'),
      packet(21, CUT_AT - 2_000, '127.0.0.1:40002'),
      packet(20, CUT_AT + 100, '[::1]:2222'),
      packet(23, CUT_AT, '127.0.0.1:40001'),
      packet(30, CUT_AT, '127.0.0.1:3333'),
    ]),
  ).findings;

  test('says what ended, when, how, how quiet it was, and what lived on', () => {
    expect(found!.saw).toBe(
      'the still stream ended 10.0 s after it opened, by FIN without a close frame, quiet for 9.0 s at the longest, at: public, gateway; lived on: still at rfb',
    );
  });

  test('cites the supervisor, the gateway, the access log, at most three packets near the end, and what verify saw', () => {
    expect(found!.evidence).toEqual([
      { file: 'supervisor.log', line: 1, text: 'gateway ended by SIGKILL' },
      { file: 'websockify.log', line: 2, text: 'viewer_lost, by viewer' },
      { file: 'traefik-access.log', line: 2, text: 'ended after 10004 ms' },
      { file: 'vnc.tcpdump.pcap', packet: 20, text: 'FIN of [::1]:2222' },
      { file: 'vnc.tcpdump.pcap', packet: 21, text: 'FIN of 127.0.0.1:40002' },
      { file: 'vnc.tcpdump.pcap', packet: 23, text: 'FIN of 127.0.0.1:40001' },
      { file: 'report.json', text: 'streams: FIN without a close frame' },
    ]);
  });

  test('rules out by name whom surviving streams rule out, and nobody else', () => {
    expect(found!.not).toContain('the runner: the stream past the gateway lived on');
    const [outside] = judge(inputOf([cut('public')])).findings;
    expect(outside!.not).toEqual(['Traefik respondingTimeouts: they do not end an open socket']);
    const [vnc] = judge(inputOf([...everywhere((at) => cut(at)), ...BUSY_LIVES])).findings;
    expect(vnc!.not).toContain('Traefik and gateway: they carried another session on');
  });

  test('that is not proven says what would settle it', () => {
    expect(found!.settle).toBeUndefined();
    expect(judge(inputOf([cut('public')])).findings[0]!.settle).toMatch(/dial the gateway/);
  });

  test.each([
    [{ how: 'close_frame', code: 4502, reason: 'the runner closed' }, 'close frame 4502 (the runner closed)'],
    [{ how: 'close_frame', code: null, reason: '' }, 'close frame without a code'],
    [{ how: 'close_notify' }, 'TLS close_notify'],
    [{ how: 'rst' }, 'RST'],
    [{ how: 'none', reason: 'a text message came' }, 'a text message came'],
  ] as const)('tells an end of %j', (end, words) => {
    expect(judge(inputOf([cut('public', end)])).findings[0]!.saw).toContain(`by ${words},`);
  });

  test('always has all its parts', () => {
    for (const { what, streams: all, logs: facts } of ALL)
      for (const one of judge(inputOf(all, facts)).findings) {
        expect(one.saw && one.want && one.remedy, what).toBeTruthy();
        expect(one.evidence.length, what).toBeGreaterThan(0);
        expect(one.not.length, what).toBeGreaterThan(0);
        expect(one.confidence === 'proven' || one.settle !== undefined, what).toBe(true);
      }
  });
});
