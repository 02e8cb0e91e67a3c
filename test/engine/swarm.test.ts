import { describe, expect, test } from 'vitest';
import { type StackService, type Task, replicaOf } from '../../src/engine/swarm/tasks.ts';
import { isReady } from '../../src/engine/swarm/up.ts';

const SPEC = { Image: 'camofleet/runner:1' };
let count = 0;

/** A task as Docker tells of one, younger than those before. */
function task(state: string, desired = 'running', more: Partial<Task['Status']> = {}): Task {
  count += 1;
  return {
    ID: `task-${count}`,
    CreatedAt: new Date(1_700_000_000_000 + count * 1_000).toISOString(),
    ServiceID: 'service',
    Slot: 1,
    DesiredState: desired,
    Spec: { ContainerSpec: SPEC },
    Status: { State: state, ...more },
  };
}

describe('a replica of a service', () => {
  test.each([
    ['preparing', 'running', 'starting'],
    ['starting', 'running', 'starting'],
    ['pending', 'running', 'starting'],
    ['running', 'running', 'ready'],
    ['ready', 'ready', 'waiting'],
    ['failed', 'running', 'stopped'],
  ])('that Swarm calls %s and wants %s is %s', (state, desired, shown) => {
    expect(replicaOf('runner', 1, [task(state, desired)], SPEC)?.status.state).toBe(shown);
  });

  test('is its newest task that shall run; those that failed before it are its restarts, the last of them says why', () => {
    const first = task('failed', 'shutdown', { Err: 'task: non-zero exit (1)' });
    const second = task('failed', 'shutdown', { Err: 'task: non-zero exit (137)' });
    const now = task('running');
    expect(replicaOf('runner', 3, [second, now, first], SPEC)?.status).toMatchObject({
      name: 'runner',
      instance: 'runner.3',
      state: 'ready',
      restarts: 2,
      lastEnd: 'task: non-zero exit (137)',
    });
  });

  test('says why it cannot start', () => {
    const stuck = task('pending', 'running', { Err: 'no suitable node (host-mode port already in use on 1 node)' });
    expect(replicaOf('traefik', 1, [stuck], SPEC)?.status).toMatchObject({
      state: 'starting',
      lastEnd: 'no suitable node (host-mode port already in use on 1 node)',
    });
  });

  test('tells of a published port once', () => {
    const Ports = [1, 2].map(() => ({ Protocol: 'tcp', TargetPort: 8443, PublishedPort: 443 }));
    const published = task('running', 'running', { PortStatus: { Ports } });
    expect(replicaOf('traefik', 1, [published], SPEC)?.status.ports).toEqual(['0.0.0.0:443->8443/tcp']);
  });

  test('that runs what is no longer wanted is one that is to come', () => {
    const replica = replicaOf('gateway', 1, [task('running')], { Image: 'camofleet/runner:2' });
    expect(replica?.status.state).toBe('starting');
  });

  test('that was scaled away is none', () => {
    expect(replicaOf('runner', 2, [task('shutdown', 'shutdown')], SPEC)).toBeUndefined();
  });
});

describe('a service', () => {
  const replica = replicaOf('gateway', 1, [task('running')], SPEC)!.status;
  const starting = replicaOf('gateway', 2, [task('starting')], SPEC)!.status;
  const service = (more: Partial<StackService>): StackService => ({
    name: 'gateway',
    wanted: 1,
    update: undefined,
    createdAt: '',
    replicas: [replica],
    tasks: [],
    containers: [],
    ...more,
  });

  test.each([
    ['with all its replicas', {}, true],
    ['with too few', { wanted: 2 }, false],
    ['with one that starts', { wanted: 2, replicas: [replica, starting] }, false],
    ['that is being changed', { update: 'updating' }, false],
    ['whose change stopped half-way', { update: 'paused' }, false],
    ['whose change is done', { update: 'completed' }, true],
  ] as const)('%s is ready: %#', (_title, more, ready) => {
    expect(isReady(service(more))).toBe(ready);
  });
});
