import { describe, expect, test } from 'vitest';
import { containerOf } from '../../../src/engine/compose/containers.ts';

type Inspected = Parameters<typeof containerOf>[0];

function inspected(state: Partial<Inspected['State']>, RestartCount = 0): Inspected {
  return {
    Id: 'abc',
    Name: '/lab-gateway-1',
    RestartCount,
    State: {
      Status: 'running',
      OOMKilled: false,
      ExitCode: 0,
      Error: '',
      StartedAt: '2026-11-26T07:00:00.123456789Z',
      FinishedAt: '2026-11-26T06:59:59.5Z',
      Pid: 4711,
      Health: null,
      ...state,
    },
    Config: { Labels: { 'com.docker.compose.service': 'gateway', 'com.docker.compose.container-number': '1' } },
    NetworkSettings: {
      Ports: { '8443/tcp': [{ HostIp: '127.0.0.1', HostPort: '8443' }], '6900/tcp': null },
      Networks: { lab_edge: { IPAddress: '172.18.0.3' } },
    },
  };
}

describe('a container', () => {
  test('is known by service, name, pid, published ports and addresses', () => {
    expect(containerOf(inspected({}))).toMatchObject({
      id: 'abc',
      name: 'gateway',
      instance: 'lab-gateway-1',
      state: 'ready',
      pid: 4711,
      ports: ['127.0.0.1:8443->8443/tcp'],
      addresses: { lab_edge: '172.18.0.3' },
      restarts: 0,
      lastEnd: null,
    });
  });

  test.each<[string, Partial<Inspected['State']>, string, string | null]>([
    ['without a check is ready when it runs', {}, 'ready', null],
    ['is ready when its check says so', { Health: { Status: 'healthy', Log: [] } }, 'ready', null],
    ['starts until its check has spoken', { Health: { Status: 'starting' } }, 'starting', null],
    ['starts when it was made', { Status: 'created', Pid: 0 }, 'starting', null],
    [
      'is unhealthy with the last words of its check',
      { Health: { Status: 'unhealthy', Log: [{ Output: 'old' }, { Output: 'no answer\n' }] } },
      'unhealthy',
      'its check says: no answer',
    ],
    ['waits while it is started again', { Status: 'restarting', ExitCode: 1 }, 'waiting', 'exited with code 1'],
    [
      'that was killed names the signal',
      { Status: 'exited', ExitCode: 137 },
      'stopped',
      'exited with code 137 (signal 9)',
    ],
    [
      'that was killed for its memory says so',
      { Status: 'exited', ExitCode: 137, OOMKilled: true },
      'stopped',
      'exited with code 137 (signal 9), out of memory',
    ],
    [
      'that could not start says why',
      { Status: 'exited', ExitCode: 127, Error: 'no such file' },
      'stopped',
      'exited with code 127: no such file',
    ],
  ])('%s', (_case, state, wanted, end) => {
    expect(containerOf(inspected(state))).toMatchObject({ state: wanted, lastEnd: end });
  });

  test('that was started again says when it ended', () => {
    expect(containerOf(inspected({}, 2))).toMatchObject({ restarts: 2, lastEnd: 'ended at 2026-11-26T06:59:59Z' });
  });
});
