import { randomInt } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { PublicSession, Worker } from '../../src/api/index.ts';
import { runnersBehind } from '../../src/control/discovery.ts';
import { startTestControl } from './support/control.ts';
import { startCardRunner } from './support/runner.ts';

const ENTRY = { name: 'runner', url: 'http://runner:8070', supportsVnc: true, discover: true };

describe('runners behind a name', () => {
  test('have the name of the entry and their address, and the port of its URL', async () => {
    const asked: string[] = [];
    const found = await runnersBehind(ENTRY, async (host) => {
      asked.push(host);
      return ['10.0.0.7', 'fd00::1'];
    });
    expect(asked).toEqual(['runner']);
    expect(found?.map(({ name, url }) => `${name} ${url}`)).toEqual([
      'runner-10.0.0.7 http://10.0.0.7:8070',
      'runner-fd00--1 http://[fd00::1]:8070',
    ]);
  });

  test('are unknown while the name does not resolve', async () => {
    expect(await runnersBehind(ENTRY, () => Promise.reject(new Error('ENOTFOUND')))).toBeUndefined();
  });
});

describe('a control plane that discovers its runners', () => {
  /** Two replicas: one port, one name of their own, two addresses of this host. */
  async function replicas(scope: AsyncDisposableStack) {
    const port = randomInt(20_000, 32_000);
    const start = async (address: string, from: number) =>
      scope.use(
        await startCardRunner('runner-1', {
          RUNNER_HOST: address,
          RUNNER_PORT: String(port),
          CAMOFLEET_RUNNER_ADVERTISE_HOST: address,
          RUNNER_VNC_PORT_MIN: String(from),
          RUNNER_VNC_PORT_MAX: String(from + 9),
        }),
      );
    const [first, second] = [await start('127.0.0.2', 17_400), await start('127.0.0.3', 17_410)];
    return { first, second, entry: { name: 'runner', url: `http://runner:${port}`, discover: true } };
  }

  test('uses each replica by a name of its own, takes in what comes and forgets what has gone', async () => {
    await using scope = new AsyncDisposableStack();
    const { first, entry } = await replicas(scope);
    let addresses: readonly string[] = ['127.0.0.2'];
    const control = scope.use(await startTestControl([entry], {}, async () => addresses));
    const names = async (): Promise<string[]> =>
      ((await control.ask('GET', '/workers')).body as Worker[]).map(({ name, reachable }) => `${name} ${reachable}`);
    await expect.poll(names, { timeout: 10_000 }).toEqual(['runner-127.0.0.2 true']);

    addresses = ['127.0.0.2', '127.0.0.3'];
    await expect.poll(names, { timeout: 15_000 }).toEqual(['runner-127.0.0.2 true', 'runner-127.0.0.3 true']);
    const made = [await control.create(), await control.create()];
    expect(made.map(({ worker }) => worker).toSorted()).toEqual(['runner-127.0.0.2', 'runner-127.0.0.3']);
    for (const { worker, id, vnc } of made) {
      const { target } = await control.open(new URL(vnc!.ws).searchParams.get('token')!);
      expect(target.host).toBe(worker.replace('runner-', ''));
      const again = (await control.ask('GET', `/sessions/${worker}/${id}`)).body as PublicSession;
      expect(again).toMatchObject({ worker, id });
    }
    const list = (await control.ask('GET', '/sessions')).body as PublicSession[];
    expect(list.map(({ worker }) => worker).toSorted()).toEqual(['runner-127.0.0.2', 'runner-127.0.0.3']);

    addresses = ['127.0.0.3'];
    await first[Symbol.asyncDispose]();
    await expect.poll(names, { timeout: 20_000 }).toEqual(['runner-127.0.0.3 true']);
    expect(control.lines.join('')).toMatch(/"event":"worker\.forgotten","worker":"runner-127\.0\.0\.2","why":".+"/);
  }, 60_000);

  test('keeps a runner that has left the name and still answers, and all of them while the name does not resolve', async () => {
    await using scope = new AsyncDisposableStack();
    const { entry } = await replicas(scope);
    let looks = 0;
    const control = scope.use(
      await startTestControl([entry], {}, async () => {
        looks += 1;
        if (looks === 1) return ['127.0.0.2', '127.0.0.3'];
        if (looks === 2) return ['127.0.0.3'];
        throw new Error('ENOTFOUND');
      }),
    );
    const names = async (): Promise<string[]> =>
      ((await control.ask('GET', '/workers')).body as Worker[]).map(({ name }) => name);
    await expect.poll(names, { timeout: 10_000 }).toEqual(['runner-127.0.0.2', 'runner-127.0.0.3']);
    await expect.poll(() => looks, { timeout: 20_000 }).toBeGreaterThanOrEqual(3);
    expect(await names()).toEqual(['runner-127.0.0.2', 'runner-127.0.0.3']);
  }, 60_000);

  test('says that it knows none where nothing was ever found', async () => {
    const entry = { name: 'runner', url: 'http://runner:8070', discover: true };
    await using control = await startTestControl([entry], {}, async () => []);
    const refused = await control.ask('POST', '/sessions', { body: {} });
    expect(refused.body).toMatchObject({
      status: 502,
      code: 'CF_UNREACHABLE',
      detail: expect.stringContaining('no worker is known'),
    });
  });
});
