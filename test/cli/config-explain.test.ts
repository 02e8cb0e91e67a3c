import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { SERVICES } from '../../src/settings/index.ts';
import { topologyKeys } from '../../src/topology/keys.ts';
import { cliFolder } from '../support/folder.ts';

interface Explanation {
  readonly service: string;
  readonly settings: readonly {
    readonly key: string;
    readonly env?: string;
    readonly value: unknown;
    readonly origin: string;
  }[];
  readonly problems: readonly string[];
}

/** A row of the table: name, value, origin. */
const row = (stdout: string, name: string): string[] =>
  stdout
    .split('\n')
    .find((line) => line.startsWith(`${name} `))
    ?.split(/ {2,}/)
    .slice(0, 3) ?? [];

describe.concurrent('config explain in the folder of a fleet', () => {
  test('lists every key of the topology and every setting of each service: value, origin, meaning', async () => {
    using folder = cliFolder();
    folder.write('camofleet.yaml', 'gateway: { port: 7000 }\nlogLevel: debug\n');
    const { exitCode, stdout, stderr } = await folder.cli(['config', 'explain'], { LOG_LEVEL: 'error' });
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    for (const { path } of topologyKeys()) expect(stdout).toMatch(new RegExp(`^${path.replaceAll('.', '\\.')} `, 'm'));
    for (const { fields } of Object.values(SERVICES))
      for (const { env, doc } of Object.values(fields)) {
        expect(stdout).toMatch(new RegExp(`^${env} `, 'm'));
        expect(stdout).toContain(doc);
      }
    expect(stdout.match(/^(topology|gateway|runner|control)$/gm)).toEqual(['topology', 'gateway', 'runner', 'control']);
    expect(row(stdout, 'gateway.port')).toEqual(['gateway.port', '7000', 'file']);
    expect(row(stdout, 'gateway.internalPort')).toEqual(['gateway.internalPort', '6901', 'default']);
    expect(row(stdout, 'HTTP_PORT')).toEqual(['HTTP_PORT', '7000', 'topology']);
    expect(row(stdout, 'LOG_LEVEL')).toEqual(['LOG_LEVEL', 'debug', 'topology']);
    expect(row(stdout, 'RUNNER_CLEANUP_INTERVAL')).toEqual(['RUNNER_CLEANUP_INTERVAL', '5', 'default']);
  });

  test('tells it as JSON, of the topology or one service alone', async () => {
    using folder = cliFolder();
    folder.write('camofleet.yaml', 'gateway: { port: 7000 }\n');
    const [topology] = JSON.parse(
      (await folder.cli(['config', 'explain', 'topology', '--json'])).stdout,
    ) as Explanation[];
    expect(topology!.settings.map(({ key }) => key)).toEqual(topologyKeys().map(({ path }) => path));
    expect(topology!.settings.find(({ key }) => key === 'gateway.port')).toEqual({
      key: 'gateway.port',
      kind: 'a port from 1 to 65535',
      doc: expect.any(String) as string,
      default: 6900,
      value: 7000,
      origin: 'file',
    });
    const explained = JSON.parse(
      (await folder.cli(['config', 'explain', 'gateway', '--json'])).stdout,
    ) as Explanation[];
    expect(explained).toMatchObject([{ service: 'gateway', problems: [] }]);
    expect(explained[0]!.settings.map(({ key }) => key)).toEqual(Object.keys(SERVICES.gateway.fields));
    expect(explained[0]!.settings.find(({ env }) => env === 'HTTP_PORT')).toEqual({
      key: 'port',
      env: 'HTTP_PORT',
      kind: 'port',
      doc: expect.any(String) as string,
      default: 6900,
      value: 7000,
      origin: 'topology',
    });
  });

  test('exits 2 with every problem when the topology is wrong', async () => {
    using folder = cliFolder();
    folder.write('camofleet.yaml', 'gatway: {}\n');
    const { exitCode, stdout } = await folder.cli(['config', 'explain', '--json']);
    expect(exitCode).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({
      error: {
        code: 'CF_TOPOLOGY_INVALID',
        facts: { problems: ['camofleet.yaml:1:1 gatway is not a setting; did you mean gateway?'] },
      },
    });
  });
});

describe.concurrent('config explain without a topology', () => {
  test('shows the values of this environment', async () => {
    using folder = cliFolder();
    const { exitCode, stdout } = await folder.cli(['config', 'explain', 'gateway'], { WS_PING_INTERVAL_MS: '5000' });
    expect(exitCode).toBe(0);
    expect(row(stdout, 'WS_PING_INTERVAL_MS')).toEqual(['WS_PING_INTERVAL_MS', '5000', 'environment']);
    expect(row(stdout, 'HTTP_PORT')).toEqual(['HTTP_PORT', '6900', 'default']);
  });

  test('lists all the same when something is wrong with it, then tells every problem and exits 2', async () => {
    using folder = cliFolder();
    const env = { WS_PING_INTERVAL_MS: 'soon', CAMOFLEET_GATEWAY_FLEET: 'x', TCP_IDLE_TIMOUT_MS: '1' };
    const problems = [
      'CAMOFLEET_GATEWAY_FLEET is not a setting; did you mean CAMOFLEET_GATEWAY_FLEET_ID?',
      'TCP_IDLE_TIMOUT_MS is not a setting; did you mean TCP_IDLE_TIMEOUT_MS?',
      'WS_PING_INTERVAL_MS must be a whole number of milliseconds from 0 to 2147483647, got "soon"',
    ];
    const { exitCode, stdout, stderr } = await folder.cli(['config', 'explain'], env);
    expect(exitCode).toBe(2);
    expect(row(stdout, 'WS_PING_INTERVAL_MS')).toEqual(['WS_PING_INTERVAL_MS', '20000', 'default']);
    for (const problem of problems) expect(stderr.split(problem)).toHaveLength(2);
    const json = await folder.cli(['config', 'explain', 'gateway', '--json'], env);
    expect(json.exitCode).toBe(2);
    const [explained] = JSON.parse(json.stdout) as Explanation[];
    expect(explained!.problems.toSorted()).toEqual(problems.toSorted());
  });

  test('takes nothing from names that Kubernetes injects', async () => {
    using folder = cliFolder();
    const env = {
      RUNNER_PORT: 'tcp://10.0.0.7:8070',
      RUNNER_SERVICE_HOST: '10.0.0.7',
      RUNNER_PORT_8070_TCP_ADDR: '10.0.0.7',
    };
    const { exitCode, stdout } = await folder.cli(['config', 'explain', 'runner'], env);
    expect(exitCode).toBe(0);
    expect(row(stdout, 'RUNNER_PORT')).toEqual(['RUNNER_PORT', '8070', 'default']);
  });

  test('of what does not exist exits 2 and names what does', async () => {
    using folder = cliFolder();
    const { exitCode, stdout } = await folder.cli(['config', 'explain', 'gatway', '--json']);
    expect(exitCode).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({
      error: { code: 'CF_USAGE', message: expect.stringContaining('topology, gateway, runner, control') as string },
    });
  });
});

test('a service in a pod says at level debug which names it ignored, and starts', async () => {
  const entry = join(import.meta.dirname, '..', '..', 'bin', 'run.js');
  const child = spawn(process.execPath, [entry, 'gateway', '--host', '127.0.0.1', '--port', '0'], {
    env: {
      PATH: process.env['PATH'],
      LOG_LEVEL: 'debug',
      CAMOFLEET_GATEWAY_INTERNAL_PORT: '0',
      HTTP_PORT: 'tcp://10.0.0.9:80',
      VNC_GATEWAY_SERVICE_HOST: '10.0.0.9',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  let output = '';
  child.stdout.on('data', (bytes: Buffer) => (output += bytes.toString()));
  try {
    await expect.poll(() => output, { timeout: 15_000 }).toContain('gateway.listening');
    expect(JSON.parse(output.split('\n')[0]!)).toMatchObject({
      level: 'debug',
      event: 'settings.ignored',
      names: ['HTTP_PORT', 'VNC_GATEWAY_SERVICE_HOST'],
    });
  } finally {
    child.kill('SIGKILL');
    await exited;
  }
});
