import { describe, expect, test } from 'vitest';
import { parseAllowedTargets } from '../../src/gateway/allowed-targets.ts';
import { startTestGateway } from './support/gateway.ts';
import { startTestRunner } from './support/runner.ts';
import { ask, openViewer, refusalOf } from './support/viewer.ts';

const ALLOWED = ['10.1.0.0/16:5900-5999', 'runner-vnc:5901', '[2001:db8::/32]:5900', '192.0.2.7:5900'];

describe('a target', () => {
  test.each([
    ['10.1.2.3', 5900, true],
    ['10.1.255.255', 5999, true],
    ['::ffff:10.1.2.3', 5950, true],
    ['runner-vnc', 5901, true],
    ['2001:db8::1', 5900, true],
    ['192.0.2.7', 5900, true],
    ['10.1.2.3', 5899, false],
    ['10.1.2.3', 6000, false],
    ['10.2.0.1', 5900, false],
    ['runner-vnc', 5900, false],
    ['runner-vnc.evil.example', 5901, false],
    ['runner-vnc.', 5901, false],
    ['RUNNER-VNC', 5901, false],
    ['localhost', 5900, false],
    ['169.254.169.254', 5900, false],
    ['::ffff:169.254.169.254', 5900, false],
    // What a resolver takes for 10.1.2.3 as well, each in its own way.
    ['167837187', 5900, false],
    ['0x0a010203', 5900, false],
    ['012.1.2.3', 5900, false],
    ['10.66051', 5900, false],
    ['10.1.2.3.', 5900, false],
    ['10.1.2.3%lo', 5900, false],
    ['10.1.2.3\0.evil', 5900, false],
    ['', 5900, false],
  ])('%j port %i: %s', (host, port, isAllowed) => {
    expect(parseAllowedTargets(ALLOWED)(host, port)).toBe(isAllowed);
  });

  test('of a token is dialled only where it is allowed by the very word', async () => {
    await using runner = await startTestRunner();
    await using gateway = await startTestGateway({
      CAMOFLEET_GATEWAY_ALLOWED_TARGETS: `127.0.0.0/8:${runner.port}`,
      CAMOFLEET_GATEWAY_FAILED_ATTEMPTS_PER_MINUTE: '0',
    });
    for (const host of [
      'localhost',
      'localhost.',
      '2130706433',
      '0x7f000001',
      '0177.0.0.1',
      '127.1',
      '[::1]',
      '::1',
      '0',
    ]) {
      const answer = await refusalOf(gateway.port, await gateway.token(0, { target: { host, port: runner.port } }));
      expect([host, answer.status, answer.problem.code]).toEqual([host, 403, 'target_refused']);
    }
    const internal = { host: '127.0.0.1', port: gateway.gateway.internalPort };
    expect((await refusalOf(gateway.port, await gateway.token(0, { target: internal }))).status).toBe(403);
    expect(runner.connections).toBe(0);
    const viewer = await openViewer(gateway.port, await gateway.token(runner.port));
    viewer.socket.terminate();
  });
});

describe('an open identity', () => {
  test('is one of the map, as it stands there, and nothing that can be made of it', async () => {
    await using runner = await startTestRunner({ password: undefined });
    await using gateway = await startTestGateway({
      CAMOFLEET_GATEWAY_FAILED_ATTEMPTS_PER_MINUTE: '0',
      VNC_MAP_JSON: JSON.stringify({ wall: { host: '127.0.0.1', port: runner.port } }),
      VNC_DEFAULT_HOST: '127.0.0.1',
      VNC_WEB_RANGE: '6900-6901',
      VNC_BASE_PORT: String(runner.port),
    });
    const foreign = [
      'Wall',
      'wall.',
      'wal',
      '__proto__',
      'constructor',
      'toString',
      '06900',
      '6902',
      '6899',
      '127.0.0.1',
      '-6900',
    ];
    for (const id of foreign) {
      expect([id, (await refusalOf(gateway.port, '', { path: `/vnc/${id}/websockify` })).status]).toEqual([id, 404]);
      expect([id, (await ask(gateway.port, `/websockify?token=${id}`)).status]).toEqual([id, 401]);
    }
    for (const id of ['wall:22', 'wall@evil', '6900%20', 'wall/..', 'wall%00'])
      expect([id, (await ask(gateway.port, `/websockify?token=${id}`)).status]).toEqual([id, 400]);
    expect(runner.connections).toBe(0);
    for (const id of ['wall', '6900']) (await openViewer(gateway.port, id)).socket.terminate();
  });
});
