/** The work that is measured: what the load generator does, and what is made of it. */

const MB = 1e6;
const KIB = 1024;

const throughput = ({ result, cpu }) => ({
  'MB/s': result.bytes / result.measuredS / MB,
  'CPU s/GB': cpu / (result.bytes / 1e9),
});
const THROUGHPUT_BETTER = { 'MB/s': 'more', 'CPU s/GB': 'less' };

const opening = ({ result, cpuOpened, before, held }) => ({
  'handshakes/s': result.opened / result.openingS,
  'CPU us/handshake': (cpuOpened / result.opened) * 1e6,
  'KB/viewer': (held.pss - before.pss) / result.opened,
});
const OPENING_BETTER = { 'handshakes/s': 'more', 'CPU us/handshake': 'less', 'KB/viewer': 'less' };

const stalled = ({ result, growth }) => ({
  'RSS growth MB': growth / KIB,
  'taken in MB': result.absorbed / MB,
  'p99 ms before': result.delayBeforeUs.p99 / 1e3,
  'p99 ms then': result.delayUs.p99 / 1e3,
});
const STALLED_BETTER = { 'RSS growth MB': 'less', 'p99 ms then': 'less' };

/** `seconds`: what is measured, scaled by --quick. `better`: the numbers that are compared, and which way. */
export const SCENARIOS = [
  {
    name: 'bulk-1',
    what: 'a stream to 1 viewer, 256 KiB writes',
    args: ['--mode', 'bulk', '--conns', '1'],
    seconds: 3,
    numbers: throughput,
    better: THROUGHPUT_BETTER,
  },
  {
    name: 'bulk-8',
    what: 'streams to 8 viewers',
    args: ['--mode', 'bulk', '--conns', '8'],
    seconds: 3,
    numbers: throughput,
    better: THROUGHPUT_BETTER,
  },
  {
    name: 'upload',
    what: 'a stream from 1 viewer, masked messages of 64 KiB',
    args: ['--mode', 'upload', '--conns', '1', '--size', '65528'],
    seconds: 3,
    numbers: throughput,
    better: THROUGHPUT_BETTER,
  },
  {
    name: 'echo-64',
    what: '64 viewers, 16 bytes to and fro as fast as it goes',
    args: ['--mode', 'echo', '--conns', '64'],
    seconds: 3,
    numbers: ({ result, cpu }) => ({
      'messages/s': result.records / result.measuredS / 2,
      'p99 ms': result.delayUs.p99 / 1e3,
      'CPU us/message': (cpu / result.records) * 2e6,
    }),
    better: { 'messages/s': 'more', 'CPU us/message': 'less' },
  },
  {
    name: 'paced-200',
    what: '200 viewers, each 10 frames a second of 8 KB',
    args: ['--mode', 'paced', '--conns', '200', '--rate', '10', '--size', '8192'],
    seconds: 6,
    numbers: ({ result, cpu, held }) => ({
      'p50 ms': result.delayUs.p50 / 1e3,
      'p99 ms': result.delayUs.p99 / 1e3,
      'CPU us/frame': (cpu / result.records) * 1e6,
      'PSS MB': held.pss / KIB,
    }),
    better: { 'p99 ms': 'less', 'CPU us/frame': 'less', 'PSS MB': 'less' },
  },
  {
    name: 'input-50',
    what: '50 viewers, each 30 pairs of events a second; delay until the server has them',
    args: ['--mode', 'input', '--conns', '50', '--rate', '30'],
    seconds: 4,
    numbers: ({ result }) => ({ 'p50 ms': result.delayUs.p50 / 1e3, 'p99 ms': result.delayUs.p99 / 1e3 }),
    better: { 'p50 ms': 'less', 'p99 ms': 'less' },
  },
  {
    name: 'idle-400',
    what: '400 viewers opened, 32 at a time, and held',
    args: ['--mode', 'idle', '--conns', '400'],
    seconds: 1,
    numbers: opening,
    better: OPENING_BETTER,
  },
  {
    name: 'idle-2000',
    what: '2,000 viewers opened, 32 at a time, and held',
    args: ['--mode', 'idle', '--conns', '2000'],
    seconds: 2,
    isLong: true,
    numbers: opening,
    better: OPENING_BETTER,
  },
  {
    name: 'stalled-viewer',
    what: 'a viewer stops reading for 5 s while its server streams; 20 neighbours, 10 frames of 8 KB a second each',
    args: ['--mode', 'paced', '--conns', '21', '--stall', 'viewer'],
    seconds: 5,
    isStall: true,
    numbers: stalled,
    better: STALLED_BETTER,
  },
  {
    name: 'stalled-backend',
    what: 'a server stops reading for 5 s while its viewer uploads; the same neighbours',
    args: ['--mode', 'paced', '--conns', '21', '--stall', 'backend'],
    seconds: 5,
    isStall: true,
    numbers: stalled,
    better: STALLED_BETTER,
  },
  {
    name: 'churn',
    what: '15,000 viewers, each for one frame of 8 KB, 32 at a time; memory after 9,000 and after all',
    args: ['--mode', 'churn', '--conns', '15000', '--mark', '9000'],
    seconds: 0,
    isLong: true,
    numbers: ({ marks }) => ({
      'PSS MB at 9,000': marks[0] / KIB,
      'PSS MB at 15,000': marks[1] / KIB,
      'growth %': (marks[1] / marks[0] - 1) * 100,
    }),
    better: { 'PSS MB at 15,000': 'less' },
  },
  {
    name: 'tls',
    what: 'a stream to 1 viewer, TLS ended by the gateway',
    args: ['--mode', 'bulk', '--conns', '1'],
    seconds: 3,
    isTls: true,
    numbers: throughput,
    better: THROUGHPUT_BETTER,
  },
];
