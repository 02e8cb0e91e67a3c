import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Worker } from '../../src/api/index.ts';
import { startCapture } from '../../src/diagnostics/capture/index.ts';
import { trustOf } from '../../src/diagnostics/trust.ts';
import type { Report } from '../../src/report/index.ts';
import { parseKeyring, openToken } from '../../src/tokens/index.ts';
import { type Topology, composeProject, fleetPaths, imageName, loadTopology } from '../../src/topology/index.ts';
import { lacks } from '../support/components.ts';
import { type Fleet, newFleet } from '../support/fleet.ts';
import { docker, lacksDocker } from './support/containers.ts';
import { startNeighbour } from './support/neighbour.ts';
import { type Watchers, startWatchers } from './support/watchers.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
const SERVICES = ['gateway', 'control', 'runner'] as const;
const IMAGES = [...SERVICES, 'capture'] as const;
/** What came of it, for docs/containers.md. */
const FIGURES = join(ROOT, 'artifacts', 'compose.json');
const BUILD_MS = 900_000;
const UP_MS = 180_000;
const VIEWERS = 20;
/** Measured: 3 to 5 s, and once 11.9 s on a machine with ten times as much to do as it could (docs/containers.md). */
const LONGEST_GAP_MS = 30_000;
/** A drain that is short enough for a test, and long enough for Traefik to notice. */
const DRAIN = '  drainDelayMs: 3000\n  shutdownGraceMs: 8000\n';

interface Status {
  readonly state: string;
  readonly services: { name: string; instance: string; state: string; ports: string[]; restarts: number }[];
}

describe.skipIf(lacksDocker() || lacks('compose', 'tcpdump', 'nft'))('a fleet on Compose', () => {
  let fleet: Fleet;
  let topology: Topology;
  let project: string;
  const figures: Record<string, unknown> = {};

  const container = (service: string, number = 1): string => `${project}-${service}-${number}`;
  const compose = (...args: readonly string[]) => execa('docker-compose', args, { cwd: fleet.dir, stdin: 'ignore' });
  const status = async (): Promise<Status> => JSON.parse((await fleet.cli(['status', '--json'])).stdout) as Status;
  const inspect = async (name: string, format: string): Promise<string> =>
    (await docker('inspect', '--format', format, name)).trim();
  const address = (service: string, network: string): Promise<string> =>
    inspect(container(service), `{{(index .NetworkSettings.Networks "${project}_${network}").IPAddress}}`);
  const isHealthy = async (name: string): Promise<void> => {
    const look = (): Promise<string> => inspect(name, '{{.State.Health.Status}}');
    await expect.poll(look, { timeout: 60_000, interval: 200 }).toBe('healthy');
  };

  beforeAll(async () => {
    const images = await Promise.all(
      IMAGES.map((service) => docker('image', 'ls', '--quiet', imageName(service, version))),
    );
    fleet = await newFleet();
    if (images.some((id) => id.trim() === '')) {
      const built = await fleet.cli(['images', 'build'], { timeoutMs: BUILD_MS });
      if (built.exitCode !== 0) throw new Error(built.stderr);
    }
    const file = join(fleet.dir, 'camofleet.yaml');
    const plain = `  httpPort: ${fleet.topology.public.port + 57}\n`;
    const text = readFileSync(file, 'utf8').replace(/^gateway:\n/m, `gateway:\n${DRAIN}`);
    writeFileSync(file, text.replace(/^public:\n/m, `public:\n${plain}`));
    topology = await loadTopology(file);
    project = composeProject(topology);
  }, BUILD_MS);
  afterAll(async () => {
    mkdirSync(join(ROOT, 'artifacts'), { recursive: true });
    writeFileSync(FIGURES, JSON.stringify(figures, null, 2));
    await fleet[Symbol.asyncDispose]();
    expect(await docker('ps', '-aq', '--filter', `label=com.docker.compose.project=${project}`)).toBe('');
  }, UP_MS);

  test(
    'comes up from nothing to a frame that was seen, and says how it is',
    async () => {
      const began = performance.now();
      const up = await fleet.cli(['up', '--engine', 'compose', '--wait'], { timeoutMs: UP_MS });
      figures['upMs'] = Math.round(performance.now() - began);
      expect(up.stderr).toMatch(/frame +ready +1280x720 at the public URL/);
      expect(up).toMatchObject({ exitCode: 0, stdout: `${fleet.url}/` });
      const { state, services } = await status();
      expect(state).toBe('up');
      expect(services.map(({ name, instance, state: is }) => `${name} ${instance} ${is}`)).toEqual(
        ['runner', 'control', 'gateway', 'traefik'].map((name) => `${name} ${container(name)} ready`),
      );
      const { bind, port, httpPort } = topology.public;
      const published = [port, httpPort].map((one) => `${bind}:${one}->${one}/tcp`);
      expect(services.flatMap(({ ports }) => ports).toSorted()).toEqual(published.toSorted());
    },
    UP_MS,
  );

  test('gives no container a capability, a new privilege, root, or a file system to write to', async () => {
    for (const service of ['traefik', ...SERVICES]) {
      const pid = await inspect(container(service), '{{.State.Pid}}');
      const facts = Object.fromEntries(
        readFileSync(`/proc/${pid}/status`, 'utf8')
          .split('\n')
          .map((line) => line.split(':\t') as [string, string]),
      );
      process.stdout.write(
        `  ${service.padEnd(8)} CapEff ${facts['CapEff']}  CapPrm ${facts['CapPrm']}  uid ${facts['Uid']}\n`,
      );
      expect(facts).toMatchObject({ CapEff: '0000000000000000', CapPrm: '0000000000000000', NoNewPrivs: '1' });
      expect(facts['Uid']).not.toMatch(/^0\t/);
      expect(await inspect(container(service), '{{.HostConfig.ReadonlyRootfs}}')).toBe('true');
    }
  });

  test('is verified, with the log of Traefik, that of the gateway, and packets of the gateway’s own network', async () => {
    const verified = await fleet.cli(['verify', '--json', '--duration', '5s'], { timeoutMs: 120_000 });
    const report = JSON.parse(verified.stdout) as Report;
    expect(report.findings).toEqual([]);
    expect({ exitCode: verified.exitCode, verdict: report.verdict }).toEqual({ exitCode: 0, verdict: 'pass' });
    const dir = join(fleet.dir, 'artifacts', 'latest');
    expect(readdirSync(dir)).toEqual(
      expect.arrayContaining([
        'traefik-access.log',
        'websockify.log',
        'vnc.tcpdump.pcap',
        'runner.log',
        'services.json',
      ]),
    );
    const read = (name: string): string => readFileSync(join(dir, name), 'utf8');
    expect(read('traefik-access.log')).toMatch(/"request_Sec-Websocket-Key":"/);
    expect(read('websockify.log')).toMatch(/"event":"session\.closed"/);
    expect(read('runner.log')).toMatch(/"event":"session\.ended"/);
    // Legs on both sides of the gateway, and none of the public port: nobody's network but its own.
    const packets = report.collection.find(({ what, status: is }) => what === 'packets' && is === 'ok');
    expect(packets?.because).toMatch(/^[1-9]\d+ packets, [1-9]\d* TCP handshakes, [1-9]\d* RFB banners/);
    expect(report.streams.map(({ vantage }) => vantage)).toEqual(expect.arrayContaining(['public', 'gateway', 'rfb']));
  }, 120_000);

  test('has packets recorded by a container, where nobody enters a namespace', async () => {
    const gateway = container('gateway');
    const began = fleet.start(['verify', '--json', '--duration', '4s', '--capture', `container:${gateway}`]);
    const label = ['--filter', 'label=camofleet.capture'];
    const beside = async (): Promise<string> => (await docker('ps', '--quiet', ...label)).trim();
    await expect.poll(beside, { timeout: 30_000, interval: 100 }).not.toBe('');
    const pids = (await docker('top', await beside(), '-o', 'pid,comm')).split('\n');
    const tcpdump = pids
      .find((line) => line.includes('tcpdump'))
      ?.trim()
      .split(/\s+/)[0];
    const facts = readFileSync(`/proc/${tcpdump}/status`, 'utf8');
    expect(facts).toMatch(/^CapEff:\t0+$/m);
    expect(facts).toMatch(/^Uid:\t10001\t/m);
    expect(await began.ended).toBe(0);
    const { collection } = JSON.parse(began.stdout()) as Report;
    const packets = collection.find(({ what }) => what === 'packets');
    expect(packets).toMatchObject({ status: 'ok' });
    expect(packets!.because).toMatch(/^[1-9]\d+ packets, [1-9]\d* TCP handshakes, [1-9]\d* RFB banners/);
    await expect.poll(async () => (await docker('ps', '--all', '--quiet', ...label)).trim()).toBe('');
  }, 120_000);

  test('says which image is missing where packets are to be recorded by a container', async () => {
    const outcome = await startCapture({
      place: { device: undefined, container: container('gateway') },
      ports: 'port 1',
      file: join(fleet.dir, 'none.pcap'),
      path: process.env['PATH'],
      isRoot: false,
      image: 'camofleet/capture:no-such-version',
      longestMs: 1_000,
    });
    expect(outcome.skipped).toBe(
      'this Docker has no camofleet/capture:no-such-version; make it with: camofleet images build capture',
    );
  }, 60_000);

  test('sends pages that are asked for without TLS on to https, and sockets nowhere', async () => {
    const { bind, port, httpPort } = topology.public;
    const ask = async (path: string, headers: Readonly<Record<string, string>>): Promise<string> => {
      const asked = request({
        host: bind,
        port: httpPort,
        path,
        headers: { host: `localhost:${httpPort}`, ...headers },
      });
      asked.end();
      const [answer] = (await once(asked, 'response')) as [IncomingMessage];
      answer.resume();
      return `${answer.statusCode} ${answer.headers.location ?? ''}`;
    };
    expect(await ask('/vnc/abc?x=1', {})).toMatch(new RegExp(`^30[18] https://localhost:${port}/vnc/abc\\?x=1$`));
    const upgrade = { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13' };
    expect(await ask('/websockify?token=x', { ...upgrade, 'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==' })).toBe(
      '404 ',
    );
  });

  test('has RFB between gateway and runner alone', async () => {
    const session = await fleet.createSession({ browser: 'testcard' });
    const token = new URL(session.vnc!.ws).searchParams.get('token')!;
    const keys = fleetPaths(fleet.dir).tokenKeys;
    const opened = await openToken(token, parseKeyring(readFileSync(keys, 'utf8'), keys), {
      fleetId: topology.fleet.id,
      nowMs: Date.now(),
    });
    if (!opened.ok) throw new Error(opened.error);
    const { host, port } = opened.value.target;
    expect(host).toBe(await address('runner', 'rfb'));

    const from = async (network: string, to: string): Promise<boolean> => {
      const dial = ['nc', '-z', '-w', '2', to, String(port)];
      const run = ['run', '--rm', '--network', network, '--entrypoint', dial[0]!, 'traefik:v3.7', ...dial.slice(1)];
      return !(await execa('docker', run, { reject: false })).failed;
    };
    const runner = [host, await address('runner', 'fleet'), await address('runner', 'egress')];
    const seen = {
      'the gateway’s own network': await from(`container:${container('gateway')}`, host),
      'a third container beside Traefik': await Promise.all(runner.map((to) => from(`${project}_edge`, to))),
      'a third container beside the API of runners': await Promise.all(
        runner.map((to) => from(`${project}_fleet`, to)),
      ),
      control: await Promise.all(runner.map((to) => from(`container:${container('control')}`, to))),
    };
    expect(seen).toEqual({
      'the gateway’s own network': true,
      'a third container beside Traefik': [false, false, false],
      'a third container beside the API of runners': [false, false, false],
      control: [false, false, false],
    });
    await fleet.api('DELETE', `/sessions/${session.worker}/${session.id}`);
  }, 120_000);

  test('has the API of control where browsers do not reach it, whatever they say who they are', async () => {
    const { port, internalPort } = topology.control;
    const ask = (url: string): Promise<string> =>
      docker(
        'exec',
        container('runner'),
        'node',
        '--eval',
        `fetch('${url}', { headers: { host: 'localhost' } }).then(({ status }) => console.log(status), ({ cause }) => console.log(cause.code))`,
      );
    expect((await ask(`http://control:${port}/sessions`)).trim()).toBe('ECONNREFUSED');
    expect((await ask(`http://${await address('control', 'edge')}:${port}/sessions`)).trim()).not.toMatch(/^\d/);
    expect((await ask(`http://control:${internalPort}/internal/sessions`)).trim()).toMatch(/^40[14]$/);
  }, 60_000);

  test('has RFB on no published port and at no address that another machine reaches', async () => {
    const published = await docker(
      'ps',
      '--filter',
      `label=com.docker.compose.project=${project}`,
      '--format',
      '{{.Ports}}',
    );
    expect(published.split('\n').filter((line) => line.includes('->'))).toHaveLength(1); // Traefik's
    using neighbour = await startNeighbour();
    const server = createServer((socket) => socket.end());
    server.listen(0, '0.0.0.0');
    await once(server, 'listening');
    const open = (server.address() as { port: number }).port;
    expect(await neighbour.dial(neighbour.host, open), 'the neighbour reaches this host').toBe('open');
    server.close();
    const { runner, gateway, control } = topology;
    const [rfb, fleetSide] = [await address('runner', 'rfb'), await address('runner', 'fleet')];
    for (const [host, port] of [
      [neighbour.host, runner.rfbPorts.min],
      [neighbour.host, gateway.port],
      [neighbour.host, runner.port],
      [neighbour.host, control.internalPort],
      [rfb, runner.rfbPorts.min],
      [fleetSide, runner.port],
    ] as const)
      expect(`${host}:${port} ${await neighbour.dial(host, port)}`).not.toContain('open');
  }, 60_000);

  test.each([
    ['traefik', 'traefik'],
    ['gateway', 'gateway'],
    ['runner', 'runner'],
    ['control', 'control'],
  ])(
    'whose %s was killed is said to be ill at that hop',
    async (service, hop) => {
      await docker('kill', container(service));
      try {
        const verified = await fleet.cli(['verify', '--json', '--duration', '1s'], { timeoutMs: 90_000 });
        const report = JSON.parse(verified.stdout) as Report;
        expect(verified.exitCode).toBe(1);
        expect(report.findings[0]).toMatchObject({ hop });
        expect(report.hops.find(({ verdict }) => verdict === 'fail')?.hop).toBe(hop);
        expect(report.collection).toContainEqual({
          what: `service ${container(service)}`,
          status: 'failed',
          because: 'stopped: exited with code 137 (signal 9)',
        });
        const seen = await fleet.cli(['status']);
        expect(seen.exitCode).toBe(1);
        expect(seen.stdout).toMatch(
          new RegExp(`^${service} +stopped +${container(service)} .*exited with code 137`, 'm'),
        );
      } finally {
        await docker('start', container(service));
        await isHealthy(container(service));
      }
    },
    150_000,
  );

  test('shows and follows the logs of its containers', async () => {
    const { stdout } = await fleet.cli(['logs', '--lines', '3']);
    const sources = new Set(stdout.split('\n').map((line) => line.split(' ')[0]));
    expect(sources).toEqual(new Set(['control', 'gateway', 'runner', 'traefik', 'traefik-access']));
    const follower = fleet.start(['logs', 'runner', '-f', '--lines', '1']);
    await expect.poll(() => follower.stdout(), { timeout: 20_000 }).toContain('"event"');
    const session = await fleet.createSession({ browser: 'testcard' });
    await expect.poll(() => follower.stdout(), { timeout: 20_000 }).toContain(session.id);
    process.kill(follower.pid, 'SIGINT');
    expect(await follower.ended).toBe(0);
    await fleet.api('DELETE', `/sessions/${session.worker}/${session.id}`);
  }, 60_000);

  describe('with more replicas', () => {
    beforeAll(async () => {
      await compose('up', '--detach', '--wait', '--scale', 'gateway=2', '--scale', 'runner=3');
    }, UP_MS);

    test('uses every runner, each by a name of its own', async () => {
      const workers = async (): Promise<boolean[]> =>
        (await fleet.api<Worker[]>('GET', '/workers')).map(({ reachable }) => reachable === true);
      await expect.poll(workers, { timeout: 30_000 }).toEqual([true, true, true]);
      const made: { worker: string; id: string }[] = [];
      const used = async (): Promise<number> => {
        made.push(await fleet.createSession({ browser: 'testcard' }));
        return new Set(made.map(({ worker }) => worker)).size;
      };
      await expect.poll(used, { timeout: 30_000, interval: 500 }).toBe(3);
      for (const { worker, id } of made) await fleet.api('DELETE', `/sessions/${worker}/${id}`);
    }, 60_000);

    test(`loses none of ${VIEWERS} viewers, and none of them for long, when its gateways restart in turn`, async () => {
      const session = await fleet.createSession({ browser: 'testcard', resolution: '320x240x24' });
      const { resolve } = await trustOf(fleetPaths(fleet.dir), topology);
      const url = new URL(session.vnc!.ws);
      await expect.poll(async () => (await gatewaysTold()).length, { timeout: 30_000 }).toBe(2);
      await using watchers: Watchers = await startWatchers(
        VIEWERS,
        { kind: 'socket', url, origin: undefined, headers: {} },
        { ca: fleet.ca, resolve },
      );
      const opened = await Promise.all([1, 2].map((number) => openedAt(container('gateway', number))));
      expect(
        opened.every((count) => count >= VIEWERS / 4),
        `both gateways have viewers: ${opened.join(', ')}`,
      ).toBe(true);
      watchers.takeGaps();
      const gaps: number[] = [];
      for (const number of [1, 2]) {
        await docker('restart', '--time', '20', container('gateway', number));
        await isHealthy(container('gateway', number));
        await expect.poll(async () => (await gatewaysTold()).length, { timeout: 30_000 }).toBe(2);
        gaps.push(Math.max(...watchers.takeGaps()));
      }
      figures['longestGapsMs'] = gaps;
      figures['reconnects'] = watchers.reconnects();
      process.stdout.write(
        `  longest times without a frame: ${gaps.join(', ')} ms; ${watchers.reconnects()} reconnects\n`,
      );
      expect(watchers.reconnects()).toBeGreaterThanOrEqual(VIEWERS);
      expect(Math.max(...gaps)).toBeLessThan(LONGEST_GAP_MS);
      await fleet.api('DELETE', `/sessions/${session.worker}/${session.id}`);
    }, 180_000);

    test(`is upgraded under ${VIEWERS} viewers, each of whom is told once`, async () => {
      const session = await fleet.createSession({ browser: 'testcard', resolution: '320x240x24' });
      const { resolve } = await trustOf(fleetPaths(fleet.dir), topology);
      await using watchers: Watchers = await startWatchers(
        VIEWERS,
        { kind: 'socket', url: new URL(session.vnc!.ws), origin: undefined, headers: {} },
        { ca: fleet.ca, resolve },
      );
      const ids = async (): Promise<Record<string, string[]>> =>
        Object.fromEntries(
          await Promise.all(
            ['gateway', 'control', 'runner', 'traefik'].map(async (service) => [
              service,
              (await compose('ps', '--quiet', service)).stdout.split('\n').toSorted(),
            ]),
          ),
        );
      const before = await ids();
      // The next version of everything: its settings are others.
      const file = join(fleet.dir, 'camofleet.yaml');
      writeFileSync(file, `${readFileSync(file, 'utf8')}\nlogLevel: debug\n`);
      await fleet.cli(['render', '--engine', 'compose']);
      watchers.takeGaps();
      const { exitCode, stdout, stderr } = await fleet.cli(['upgrade', '--json'], { timeoutMs: UP_MS });
      expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
      expect((JSON.parse(stdout) as { replaced: object[] }).replaced).toMatchObject([
        { service: 'gateway', how: 'replaced' },
        { service: 'control', how: 'replaced' },
        { service: 'runner', how: 'kept', because: expect.stringContaining(': 1') },
      ]);
      const after = await ids();
      const stayed = Object.keys(before).map((service) =>
        before[service]!.filter((id) => after[service]!.includes(id)),
      );
      expect(stayed.map(({ length }) => length)).toEqual([0, 0, 3, 1]);
      expect(after['gateway']).toHaveLength(2);
      await expect.poll(() => watchers.reconnects(), { timeout: 30_000 }).toBe(VIEWERS);
      const gaps = watchers
        .takeGaps()
        .map(Math.round)
        .toSorted((a, b) => a - b);
      figures['upgradeGapsMs'] = gaps;
      process.stdout.write(`  times without a frame in the upgrade: ${gaps.join(', ')} ms\n`);
      expect(watchers.refusals()).toEqual([]);
      expect(gaps.at(-1)).toBeLessThan(LONGEST_GAP_MS);
      await expect.poll(async () => (await status()).state, { timeout: 30_000 }).toBe('up');
      expect(watchers.reconnects()).toBe(VIEWERS); // nobody was told again
      await fleet.api('DELETE', `/sessions/${session.worker}/${session.id}`);
    }, 240_000);

    /** Those that control names to Traefik now. */
    async function gatewaysTold(): Promise<unknown[]> {
      const at = `http://${await address('control', 'fleet')}:${topology.control.internalPort}/ingress/gateways`;
      const answer = (await (await fetch(at)).json()) as {
        http: { services: { gateway: { loadBalancer: { servers: unknown[] } } } };
      };
      return answer.http.services.gateway.loadBalancer.servers;
    }

    async function openedAt(name: string): Promise<number> {
      const log = await execa('docker', ['logs', name], { all: true });
      return log.all.split('"session.opened"').length - 1;
    }
  });

  test(
    'goes down in order, and nothing of it is left but what it keeps',
    async () => {
      const down = await fleet.cli(['down'], { timeoutMs: UP_MS });
      expect(down.exitCode).toBe(0);
      expect(down.stderr).toMatch(/^Down\.$/m);
      expect((await fleet.cli(['status'])).exitCode).toBe(3);
      const networks = await docker(
        'network',
        'ls',
        '--quiet',
        '--filter',
        `label=com.docker.compose.project=${project}`,
      );
      expect(networks).toBe('');
      expect(existsSync(join(fleet.dir, '.camofleet', 'compose', 'logs', 'traefik-access.log'))).toBe(true);
    },
    UP_MS,
  );
});
