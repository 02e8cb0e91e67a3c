import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../../src/core/index.ts';
import { startRunner } from '../../../src/runner/index.ts';
import { runnerSettings } from '../../../src/settings/index.ts';
import { SERVICE_KEY, type TestWorker, writeKey } from './control.ts';

/** Test files run side by side: each has RFB ports of its own. */
const FIRST_PORT = 17_300 + 20 * (Number(process.env['VITEST_POOL_ID'] ?? 0) % 5);

/** A real runner of test cards: no display, no browser. */
export async function startCardRunner(
  name: string,
  env: Readonly<Record<string, string>> = {},
): Promise<TestWorker & AsyncDisposable> {
  const dir = mkdtempSync(join(tmpdir(), 'camofleet-runner-'));
  const config = runnerSettings.load({
    env: {
      RUNNER_HOST: '127.0.0.1',
      RUNNER_PORT: '0',
      CAMOFLEET_RUNNER_INTERNAL_PORT: '0',
      CAMOFLEET_RUNNER_NAME: name,
      CAMOFLEET_RUNNER_ADVERTISE_HOST: '127.0.0.1',
      CAMOFLEET_RUNNER_STATE_DIR: join(dir, 'state'),
      CAMOFLEET_RUNNER_SERVICE_KEY_FILE: writeKey(dir, 'service.key', SERVICE_KEY),
      RUNNER_CLEANUP_INTERVAL: '1',
      RUNNER_VNC_PORT_MIN: String(FIRST_PORT),
      RUNNER_VNC_PORT_MAX: String(FIRST_PORT + 19),
      ...env,
    },
    knownNames: [],
  });
  const runner = await startRunner(config, {
    clock: systemClock,
    version: '0.0.0-test',
    path: '',
    home: dir,
    isRoot: false,
    temporaryFolder: dir,
  });
  return {
    name,
    url: `http://127.0.0.1:${runner.port}`,
    [Symbol.asyncDispose]: async () => {
      await runner[Symbol.asyncDispose]();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** A server in the place of a runner that answers as the test says, to show how control bears it. */
export async function startBrokenRunner(
  name: string,
  serve: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<TestWorker & AsyncDisposable> {
  const server = createServer(serve);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    name,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
