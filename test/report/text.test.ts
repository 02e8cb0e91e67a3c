import { stripVTControlCharacters } from 'node:util';
import { describe, expect, test } from 'vitest';
import { type Report, renderHopTable } from '../../src/report/index.ts';
import { FAILED, PASSED } from './example.ts';

const OPTIONS = {
  columns: 110,
  colour: false,
  verbose: false,
  quiet: false,
  dir: 'artifacts/2026-11-23T12-04-10Z-7f3c/',
};
const render = (report: Report, options: Partial<typeof OPTIONS> = {}): string =>
  renderHopTable(report, { ...OPTIONS, ...options });

describe('the hop table', () => {
  test('has streams beside the viewers in one line, unless something befell them or all are asked for', () => {
    const [stream] = PASSED.streams;
    const end = { by: 'verify', how: 'close_frame', code: 1000, reason: '', atMs: 10_000 } as const;
    const well = (traffic: 'silent' | 'pings' | 'naps') => ({ ...stream!, traffic, heldMs: 10_000, end });
    const ill = { ...well('naps'), frozen: true as const };
    const lines = (report: Report, verbose = false) =>
      render(report, { verbose })
        .split('\n')
        .filter((line) => /held|froze|beside/.test(line) && !line.includes('PASSED'));
    const report = { ...PASSED, streams: [stream!, well('silent'), well('pings'), ill] };
    expect(lines(report).at(-1)).toBe('  2 streams beside  held 10.0 s (silent, pings)');
    expect(lines(report)).toHaveLength(3);
    expect(lines(report, true)).toHaveLength(4);
  });

  test('of a failure: the path, the first bad hop, five parts, what was not looked at, the evidence', () => {
    expect(render(FAILED)).toBe(`verify  wss://camofleet.example.com/websockify  12:04:10 → 14:04:10 (2 h 00 m)

   1 dns      ok      3.1 ms
   2 network  ok       11 ms
   3 tls      ok       24 ms   certificate: 61 days left
   4 edge     CUT  1 min 00 s   ← first bad hop   CF-EDGE-IDLE
   5 traefik  ok      1.0 ms   inner stream still open at 2 h
   6 gateway  ok      2.0 ms   direct stream still open at 2 h
   7 runner   not reached

  cause      CF-EDGE-IDLE  edge  proven
  saw        3 of 3 public streams ended at 60.0 ± 0.1 s; inner streams lived on
  wanted     quiet streams that live
  evidence   vnc.tcpdump.pcap packet 1841: first FIN came from the answering side
             traefik-access.log line 31: ended after 60012 ms
  not it     Traefik respondingTimeouts: they do not end an open socket
  remedy     gateway.pingIntervalMs in camofleet.yaml at most a third of that timer
  more       camofleet explain CF-EDGE-IDLE

  still, public  ended 1 min 00 s, 12 frames, longest silence 1 min 00 s, pings 3/3, median 0.4 ms

  skipped    packets: needs CAP_NET_RAW; run with sudo
  skipped    1 check (rfb.greeting): upgrade did not pass
  unknown    1 check (control.api): not known within 5000 ms
  evidence   artifacts/2026-11-23T12-04-10Z-7f3c/   9 values hidden in 2 files

FAILED  hop 4 of 7, edge  exit 1
`);
  });

  test('of a success says it in words, with its proof', () => {
    const text = render(PASSED);
    expect(text).toContain(
      '\nPASSED  held 2 h 00 m, 0 cuts, longest silence 25.0 s, 1 streams, Accept correct  exit 0\n',
    );
    expect(text).not.toMatch(/FAIL|CUT|not reached|skipped|cause/);
  });

  test.each([40, 60, 80, 200])('is never wider than the terminal (%i columns)', (columns) => {
    const widest = Math.max(
      ...render(FAILED, { columns })
        .split('\n')
        .filter((line) => !line.includes('artifacts/'))
        .map((line) => line.length),
    );
    expect(widest).toBeLessThanOrEqual(columns);
  });

  test('says the same with colours as without', () => {
    expect(render(FAILED, { colour: true })).not.toBe(render(FAILED));
    expect(stripVTControlCharacters(render(FAILED, { colour: true }))).toBe(render(FAILED));
  });

  test('opens every check and all evidence when asked to', () => {
    const text = render(
      {
        ...FAILED,
        findings: [
          { ...FAILED.findings[0]!, evidence: Array.from({ length: 9 }, (_, line) => ({ file: 'x.log', line })) },
        ],
      },
      { verbose: true },
    );
    expect(text).toContain('tls.trusted');
    expect(text).toContain('x.log line 8');
  });

  test('shows one piece of evidence of each file before a second of the first', () => {
    const evidence = [
      ...Array.from({ length: 5 }, (_, line) => ({ file: 'x.log', line })),
      { file: 'vnc.tcpdump.pcap', packet: 7 },
    ];
    const text = render({ ...FAILED, findings: [{ ...FAILED.findings[0]!, evidence }] });
    expect(text).toContain('vnc.tcpdump.pcap packet 7');
    expect(text).toContain('and 2 more in report.json');
  });

  test('a stream that froze is not called held', () => {
    const [stream] = PASSED.streams;
    const report: Report = { ...PASSED, streams: [{ ...stream!, frozen: true }] };
    expect(render(report)).toContain('  still, public  froze 2 h 00 m, 12 frames');
  });

  test('of a quiet run is the verdict; when it is no pass, with what is wrong and where the evidence lies', () => {
    expect(render(PASSED, { quiet: true })).toBe(
      'PASSED  held 2 h 00 m, 0 cuts, longest silence 25.0 s, 1 streams, Accept correct  exit 0\n',
    );
    const failed = render(FAILED, { quiet: true });
    expect(failed).toMatch(/^ {2}cause {6}CF-EDGE-IDLE/);
    expect(failed).toMatch(/\n {2}evidence {3}artifacts\/.*\n\nFAILED {2}hop 4 of 7, edge {2}exit 1\n$/);
    expect(failed).not.toMatch(/verify {2}wss|not reached|skipped/);
  });

  test('of a budget says what was seen of each limit, and is told from a warning', () => {
    const budget = [
      { name: 'firstFrameMs', limit: 200, saw: 350, crossed: true },
      { name: 'pingP99Ms', limit: 20, saw: null, crossed: false, because: 'no ping was answered' },
    ];
    const text = render({ ...PASSED, verdict: 'warn', exitCode: 99, budget });
    expect(text).toContain('  budget     firstFrameMs 350 of 200 ms, crossed\n');
    expect(text).toContain('  budget     pingP99Ms not measured: no ping was answered\n');
    expect(text).toMatch(/\nOVER BUDGET {2}.* {2}exit 99\n$/);
  });

  test('hops before the first bad one that it kept from being looked at are not reached either', () => {
    const tls = { hop: 'tls', verdict: 'skip', tookMs: null, note: 'network.connects did not pass' } as const;
    const page = { hop: 'viewer', verdict: 'skip', tookMs: null, note: 'no page is known; pass --page' } as const;
    const traefik = { hop: 'traefik', verdict: 'fail', tookMs: 1, note: 'refused' } as const;
    const text = render({ ...FAILED, hops: [page, tls, traefik] });
    expect(text).toContain('   1 viewer   skip             no page is known; pass --page\n');
    expect(text).toContain('   2 tls      not reached   network.connects did not pass\n');
  });

  test('a warning does not look like a failure', () => {
    const warned: Report = { ...PASSED, verdict: 'warn', findings: [{ ...FAILED.findings[0]!, severity: 'warn' }] };
    expect(render(warned)).toContain('  warning    CF-EDGE-IDLE');
    expect(render(warned)).toContain('PASSED WITH WARNINGS');
    expect(render(warned)).not.toMatch(/FAIL|CUT/);
  });

  test('a run that was interrupted is no pass', () => {
    expect(render({ ...PASSED, interrupted: true, exitCode: 130 })).toMatch(/\nINTERRUPTED {2}.* {2}exit 130\n$/);
  });

  test('what a peer sent cannot steer the terminal', () => {
    const evil = 'RFB \u001b[2J\u001b]0;owned\u0007\u009b31m\u202e';
    const text = render({
      ...FAILED,
      summary: evil,
      hops: [{ hop: 'runner', verdict: 'warn', tookMs: 1, note: evil }],
      findings: [{ ...FAILED.findings[0]!, saw: evil, evidence: [{ file: evil, text: evil }] }],
      collection: [{ what: evil, status: 'failed', because: evil }],
    });
    // oxlint-disable-next-line no-control-regex -- that is what is looked for
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
    expect(text).toContain(String.raw`RFB \x1b[2J\x1b]0;owned\x07\x9b31m\x202e`);
  });
});
