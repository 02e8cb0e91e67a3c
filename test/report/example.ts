import { REPORT_SCHEMA, type Report } from '../../src/report/index.ts';

const EVIDENCE = [
  { file: 'vnc.tcpdump.pcap', packet: 1841, text: 'first FIN came from the answering side' },
  { file: 'traefik-access.log', line: 31, text: 'ended after 60012 ms' },
];

/** A quiet public stream that something in front of Traefik cut; streams past it lived on. */
export const FAILED: Report = {
  schema: REPORT_SCHEMA,
  run: '2026-11-23T12-04-10Z-7f3c',
  version: '0.1.0',
  startedAt: '2026-11-23T12:04:10.000Z',
  endedAt: '2026-11-23T14:04:10.000Z',
  verdict: 'fail',
  exitCode: 1,
  summary: 'edge: CF-EDGE-IDLE, quiet streams ended 60.0 s after the last byte',
  target: { url: 'wss://camofleet.example.com/websockify', vantages: ['public', 'gateway', 'rfb'] },
  hops: [
    { hop: 'dns', verdict: 'pass', tookMs: 3.1 },
    { hop: 'network', verdict: 'pass', tookMs: 11 },
    { hop: 'tls', verdict: 'pass', tookMs: 24.4, note: 'certificate: 61 days left' },
    { hop: 'edge', verdict: 'fail', tookMs: 60_000, note: 'quiet streams ended 60.0 s after the last byte' },
    { hop: 'traefik', verdict: 'pass', tookMs: 1, note: 'inner stream still open at 2 h' },
    { hop: 'gateway', verdict: 'pass', tookMs: 2, note: 'direct stream still open at 2 h' },
    { hop: 'runner', verdict: 'skip', tookMs: null },
  ],
  checks: [
    {
      id: 'tls.trusted',
      hop: 'tls',
      title: 'the certificate is trusted',
      verdict: 'pass',
      saw: 'chain of 2',
      tookMs: 24.4,
    },
    {
      id: 'rfb.greeting',
      hop: 'runner',
      title: 'the runner greets',
      verdict: 'skip',
      because: 'upgrade did not pass',
      tookMs: 0,
    },
    {
      id: 'control.api',
      hop: 'control',
      title: 'the API answers',
      verdict: 'unknown',
      because: 'not known within 5000 ms',
      tookMs: 5000,
    },
    {
      id: 'page.policy',
      hop: 'viewer',
      title: 'no header forbids the socket',
      verdict: 'warn',
      saw: 'frame-ancestors <none>',
      want: "'self'",
      tookMs: 4,
    },
  ],
  streams: [
    {
      vantage: 'public',
      mode: 'still',
      session: '7f3c',
      openedAt: '2026-11-23T12:04:10.000Z',
      heldMs: 60_012,
      bytesIn: 412_000,
      bytesOut: 120,
      frames: 12,
      pings: { sent: 3, answered: 3, p50Ms: 0.4, p99Ms: 0.9 },
      longestSilenceMs: 60_003,
      reconnects: 0,
      end: { by: 'edge', how: 'fin', code: null, reason: '', atMs: 60_012 },
    },
  ],
  findings: [
    {
      code: 'CF-EDGE-IDLE',
      hop: 'edge',
      severity: 'fail',
      confidence: 'proven',
      saw: '3 of 3 public streams ended at 60.0 ± 0.1 s; inner streams lived on',
      want: 'quiet streams that live',
      remedy: 'gateway.pingIntervalMs in camofleet.yaml at most a third of that timer',
      not: ['Traefik respondingTimeouts: they do not end an open socket'],
      evidence: EVIDENCE,
    },
  ],
  artifacts: [
    { path: 'vnc.tcpdump.pcap', kind: 'pcap', bytes: 4_096, sha256: 'a'.repeat(64), redactions: 7 },
    { path: 'websockify.log', kind: 'log', bytes: 900, sha256: 'b'.repeat(64), redactions: 2 },
    { path: 'runner.log', kind: 'log', bytes: 0, sha256: 'c'.repeat(64), redactions: 0 },
  ],
  collection: [
    { what: 'websockify.log', status: 'ok', because: '12 lines of gateway.log' },
    { what: 'packets', status: 'skip', because: 'needs CAP_NET_RAW; run with sudo' },
  ],
};

/** The same fleet, well. */
export const PASSED: Report = {
  ...FAILED,
  verdict: 'pass',
  exitCode: 0,
  summary: 'held 2 h 00 m, 0 cuts, longest silence 25.0 s, 1 streams, Accept correct',
  hops: FAILED.hops.map((hop) => ({ ...hop, verdict: 'pass', tookMs: hop.tookMs ?? 5 })),
  checks: FAILED.checks.slice(0, 1),
  streams: FAILED.streams.map((stream) => ({
    ...stream,
    heldMs: 7_200_000,
    longestSilenceMs: 25_000,
    end: { by: 'verify', how: 'close_frame', code: 1000, reason: '', atMs: 7_200_000 },
  })),
  findings: [],
  collection: FAILED.collection.slice(0, 1),
};
