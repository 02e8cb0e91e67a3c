import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openRun } from '../../../src/diagnostics/evidence/index.ts';
import { gained, parseCounters } from '../../../src/diagnostics/moment/counters.ts';
import { openMoment, socketFilter } from '../../../src/diagnostics/moment/moment.ts';
import { describeProcesses, parseProcess } from '../../../src/diagnostics/moment/processes.ts';
import { lacks } from '../../support/components.ts';

const isRoot = process.getuid?.() === 0;
const SNMP = (retransmissions: number): string =>
  `Tcp: InSegs RetransSegs EstabResets\nTcp: ${retransmissions * 9} ${retransmissions} 4\nUdp: InDatagrams\nUdp: ${retransmissions}\n`;

describe('counters', () => {
  test('are read by group and name, and what every host gains all day is left out', () => {
    const before = parseCounters(SNMP(3));
    expect(before.get('Tcp.RetransSegs')).toBe(3);
    expect(gained(before, parseCounters(SNMP(10)))).toEqual([['Tcp.RetransSegs', 7]]);
  });

  test.each(['', 'Tcp:', 'Tcp: A B\nTcp: 1', 'noise\n\0', 'Tcp: A\nUdp: B\n'])('%j never throws', (text) => {
    expect(gained(parseCounters(''), parseCounters(text)).every(([, by]) => by !== 0)).toBe(true);
  });
});

describe('processes', () => {
  const stat = (name: string, state: string): string =>
    `42 (${name}) ${state} 1 42 42 0 -1 4194304 1 0 0 0 0 0 0 0 20 0 1 0 777 10000 2560 0`;

  test('have their names whole, and no arguments', () => {
    expect(parseProcess(stat('a) R (b', 'S'))).toEqual({
      pid: 42,
      name: 'a) R (b',
      state: 'S',
      startedAt: '777',
      memoryMb: 10,
    });
    expect(parseProcess('')).toBeUndefined();
    expect(parseProcess('42 (x) S 1')).toBeUndefined();
  });

  test('that stand still, are new or have gone are told apart', () => {
    const one = parseProcess(stat('x11vnc', 'S'))!;
    const stopped = { ...one, state: 'T' };
    expect(describeProcesses([one], [stopped])).toEqual(['alive x11vnc (pid 42), STOPPED by a signal, 10 MB']);
    expect(describeProcesses([one], [{ ...one, startedAt: '888' }])).toEqual([
      'gone  x11vnc (pid 42)',
      'new  x11vnc (pid 42), sleeping, 10 MB',
    ]);
  });
});

test('ports are said as ss wants them', () => {
  expect(socketFilter('port 443 or portrange 5900-5999')).toBe(
    'sport = :443 or dport = :443 or ( sport >= :5900 and sport <= :5999 ) or ( dport >= :5900 and dport <= :5999 )',
  );
});

describe('the moment of a failure', () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'camofleet-moment-'));
  });
  afterEach(() => rmSync(dir, { recursive: true }));

  test.skipIf(lacks('ss'))(
    'shows the sockets, the process that was stopped and what docker says, and is taken once',
    async () => {
      const docker = join(dir, 'docker');
      writeFileSync(
        docker,
        '#!/bin/sh\n[ "$1" = ps ] && echo "gateway  exited  Exited (137) 2 seconds ago  img"\nexit 0\n',
      );
      chmodSync(docker, 0o755);
      const server = createServer((socket) => socket.on('error', () => {})).listen(0, '127.0.0.1');
      await once(server, 'listening');
      const { port } = server.address() as { port: number };
      const client = connect(port, '127.0.0.1');
      await once(client, 'connect');
      const sleeper = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)'], { stdio: 'ignore' });
      await once(sleeper, 'spawn');
      try {
        const run = await openRun(dir, { nowMs: Date.now(), suffix: 'm' });
        const moment = await openMoment({ ports: `port ${port}`, path: `${dir}:${process.env['PATH']}` });
        sleeper.kill('SIGSTOP');
        await expect.poll(() => readFileSync(`/proc/${sleeper.pid}/stat`, 'utf8')).toContain(') T ');
        await Promise.all([moment.take(run, 'a stream was cut'), moment.take(run, 'another one')]);
        const text = readFileSync(join(run.dir, 'moment.txt'), 'utf8');
        expect(text).toMatch(/^taken at \S+: a stream was cut\n/);
        expect(text).toMatch(new RegExp(`\\(pid ${sleeper.pid}\\), STOPPED by a signal`));
        expect(text).toMatch(new RegExp(`ESTAB .*127\\.0\\.0\\.1:${port}`));
        expect(text).toContain('gateway  exited  Exited (137) 2 seconds ago  img');
        expect(run.collected).toEqual([{ what: 'moment.txt', status: 'ok', because: 'a stream was cut' }]);
      } finally {
        sleeper.kill('SIGKILL');
        client.destroy();
        server.close();
      }
    },
  );

  test.skipIf(!isRoot || lacks('nft'))('shows the sockets of other network namespaces', async () => {
    const name = `cf-moment-${process.pid}`;
    execFileSync('ip', ['netns', 'add', name]);
    const script = `require('node:net').createServer().listen(17756, '0.0.0.0', () => console.log('up'))`;
    const inside = spawn('ip', ['netns', 'exec', name, process.execPath, '-e', script], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    try {
      await once(inside.stdout, 'data');
      const run = await openRun(dir, { nowMs: Date.now(), suffix: 'n' });
      const namespaces = [{ file: `/run/netns/${name}`, name }];
      const moment = await openMoment({ ports: 'port 17756', path: process.env['PATH'], namespaces });
      await moment.take(run, 'why');
      const text = readFileSync(join(run.dir, 'moment.txt'), 'utf8');
      const part = text.slice(text.indexOf(`in namespace ${name} (ss -ti)`));
      expect(part.split('\n')[1]).toMatch(/^LISTEN .*0\.0\.0\.0:17756/);
    } finally {
      inside.kill('SIGKILL');
      await once(inside, 'exit');
      execFileSync('ip', ['netns', 'delete', name]);
    }
  });

  test('says of a program that hangs that it did not answer', async () => {
    writeFileSync(join(dir, 'docker'), '#!/bin/sh\nexec sleep 60\n');
    chmodSync(join(dir, 'docker'), 0o755);
    const run = await openRun(dir, { nowMs: Date.now(), suffix: 'h' });
    const moment = await openMoment({ ports: '', path: `${dir}:/bin:/usr/bin` });
    await moment.take(run, 'why');
    const text = readFileSync(join(run.dir, 'moment.txt'), 'utf8');
    expect(text).toContain('docker did not answer');
    expect(text).toContain('no port is known');
  });
});
