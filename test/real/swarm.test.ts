/** A fleet as a stack on a swarm of one node, which the test makes and leaves. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa, execaSync } from 'execa';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { PublicSession } from '../../src/api/index.ts';
import { type Engine, type Step, createFleet, noteEngine, openEngine } from '../../src/engine/index.ts';
import { buildImage } from '../../src/images/build.ts';
import { openToken, parseKeyring } from '../../src/tokens/index.ts';
import { type FleetPaths, type Topology, fleetPaths, loadTopology } from '../../src/topology/index.ts';
import { docker, lacksDocker } from './support/containers.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const BUILD_MS = 900_000;
const UP_MS = 120_000;
/** As in images.test.ts, whose layers these are. */
const VERSION = '0.0.0-test';
const STACK = 'swarm-test';
const SOON = { timeout: 60_000, interval: 500 };
const NEVER = new AbortController().signal;

describe.skipIf(lacksDocker())('a fleet on Swarm', () => {
  let folder: string;
  let paths: FleetPaths;
  let topology: Topology;
  let engine: Engine;
  let madeSwarm = false;
  const steps: Step[] = [];

  const up = (scale: Readonly<Record<string, number>>) =>
    engine.up({ timeoutMs: UP_MS, scale, onStep: (step) => steps.push(step) }, NEVER);

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'camofleet-swarm-'));
    for (const service of ['gateway', 'control', 'runner'] as const)
      await buildImage(
        service,
        {
          packageRoot: ROOT,
          version: VERSION,
          origin: { revision: 'abc', source: undefined },
          buildArgs: [],
          fresh: false,
          env: process.env,
          onLine: () => {},
        },
        AbortSignal.timeout(BUILD_MS),
      );
    await createFleet({
      ...{ folder, cwd: folder, packageRoot: ROOT, version: VERSION, force: false, host: 'localhost' },
      ...{ publicPort: undefined, fleetId: STACK, shift: 3_500, nowMs: Date.now() },
    });
    paths = fleetPaths(folder);
    engine = await openEngine('swarm', {
      paths,
      version: VERSION,
      self: {
        execPath: process.execPath,
        entryPoint: join(ROOT, 'bin', 'run.js'),
        packageRoot: ROOT,
        env: process.env,
        isRoot: process.getuid?.() === 0,
      },
    });
  }, 3 * BUILD_MS);

  afterAll(async () => {
    await docker('stack', 'rm', STACK).catch(() => {}); // it is down already
    if (madeSwarm) {
      await docker('swarm', 'leave', '--force');
      await docker('network', 'rm', 'docker_gwbridge').catch(() => {}); // an older one that others made
    }
    rmSync(folder, { recursive: true, force: true });
  }, UP_MS);

  test.skipIf(isManager())('is not deployed where there is no swarm, nor is one made for it', async () => {
    await expect(up({})).rejects.toMatchObject({ code: 'CF_SWARM_INACTIVE' });
    expect(isManager()).toBe(false);
    await docker('swarm', 'init', '--advertise-addr', '127.0.0.1', '--listen-addr', '127.0.0.1');
    madeSwarm = true;
  });

  test('is not published everywhere when the topology says loopback', async () => {
    await expect(up({})).rejects.toMatchObject({ code: 'CF_TOPOLOGY_RULE' });
    expect(await engine.status()).toEqual({ state: 'not running' });
    const file = paths.topologyFile;
    writeFileSync(file, readFileSync(file, 'utf8').replace('bind: 127.0.0.1', 'bind: 0.0.0.0'));
    topology = await loadTopology(file);
  });

  test('comes up with the replicas that are asked for', { timeout: 2 * UP_MS }, async () => {
    const running = await up({ gateway: 2, runner: 2 });
    await noteEngine(paths, 'swarm');
    expect(running).toMatchObject({ ingress: 'traefik', url: `https://localhost:${topology.public.port}` });
    const status = await engine.status();
    expect(status).toMatchObject({ state: 'up', engine: 'swarm' });
    const services = status.state === 'not running' ? [] : status.services;
    expect(services.map(({ instance, state }) => `${instance} ${state}`)).toEqual([
      'runner.1 ready',
      'runner.2 ready',
      'control.1 ready',
      'gateway.1 ready',
      'gateway.2 ready',
      'traefik.1 ready',
    ]);
    expect(new Set(steps.filter(({ state }) => state === 'ready').map(({ service }) => service))).toEqual(
      new Set(engine.services),
    );
  });

  test('passes verify, with the logs of its services', { timeout: 2 * UP_MS }, async () => {
    const out = join(folder, 'artifacts');
    const args = ['bin/run.js', 'verify', '-C', folder, '--duration', '5s', '--out', out, '--json'];
    const { stdout, exitCode } = await execa(process.execPath, args, { cwd: ROOT, reject: false });
    const report = JSON.parse(stdout) as {
      readonly findings: readonly { readonly severity: string; readonly code: string }[];
      readonly artifacts: readonly { readonly path: string; readonly bytes: number }[];
    };
    expect(report.findings.filter(({ severity }) => severity === 'fail')).toEqual([]);
    expect(exitCode).toBe(0);
    const kept = report.artifacts.filter(({ bytes }) => bytes > 0).map(({ path }) => path);
    expect(kept).toEqual(expect.arrayContaining(['traefik-access.log', 'websockify.log']));
  });

  test('has its RFB where gateways are, and nowhere else', async () => {
    const session = await makeSession(paths, topology);
    const keyring = parseKeyring(readFileSync(paths.tokenKeys, 'utf8'), paths.tokenKeys);
    const token = new URL(session.vnc!.ws).searchParams.get('token')!;
    const opened = await openToken(token, keyring, { fleetId: STACK, nowMs: Date.now() });
    if (!opened.ok) throw new Error(opened.error);
    const { host, port } = opened.value.target;
    expect(host).toMatch(/^10\.213\.213\./);
    const greeting = (service: string): Promise<string> => greetingFrom(service, host, port);
    expect(await greeting('gateway')).toBe('RFB 003.008');
    expect(await greeting('control')).toBe('nothing');
  });

  test('has a runner again that was killed, and says so', { timeout: UP_MS }, async () => {
    const [killed = ''] = await containersOf('runner');
    await docker('kill', killed);
    await vi.waitFor(async () => {
      const status = await engine.status();
      const services = status.state === 'not running' ? [] : status.services;
      const runners = services.filter(({ name }) => name === 'runner');
      expect(runners.map(({ state }) => state)).toEqual(['ready', 'ready']);
      const [again] = runners.filter(({ restarts }) => restarts > 0);
      expect(again?.lastEnd).toContain('137');
    }, SOON);
  });

  test('takes a changed key as another secret, to those who use it', { timeout: 2 * UP_MS }, async () => {
    const before = await secrets('token-keys');
    const ring = JSON.parse(readFileSync(paths.tokenKeys, 'utf8')) as { keys: Record<string, string> };
    writeFileSync(
      paths.tokenKeys,
      JSON.stringify({ active: 'next', keys: { ...ring.keys, next: Buffer.alloc(32, 7).toString('base64url') } }),
    );
    const gateways = await containersOf('gateway');
    await engine.refresh();
    expect((await secrets('token-keys')).filter((name) => !before.includes(name))).toHaveLength(1);
    await vi.waitFor(
      async () => {
        expect((await containersOf('gateway')).filter((id) => gateways.includes(id))).toEqual([]);
        expect(await engine.status()).toMatchObject({ state: 'up' });
      },
      { ...SOON, timeout: 2 * UP_MS },
    );
    expect((await makeSession(paths, topology)).vnc?.ws).toContain('token=');
  });

  test('goes down with everything that it had', { timeout: UP_MS }, async () => {
    const report = await engine.down({ timeoutMs: 60_000, volumes: false, onStop: () => {} });
    expect(report).toMatchObject({ was: 'running', how: 'graceful' });
    expect(report.stops[0]?.service).toBe('gateway');
    const label = `label=com.docker.stack.namespace=${STACK}`;
    for (const kind of ['service', 'network', 'secret', 'config'])
      expect(await docker(kind, 'ls', '--quiet', '--filter', label), kind).toBe('');
    expect(await docker('ps', '--all', '--quiet', '--filter', label)).toBe('');
    expect(await engine.down({ timeoutMs: 1_000, volumes: false, onStop: () => {} })).toMatchObject({ how: 'already' });
  });
});

/** Whether this node manages a swarm already, which is then used and left as it is. */
function isManager(): boolean {
  const { stdout } = execaSync('docker', ['info', '--format', '{{.Swarm.ControlAvailable}}'], { reject: false });
  return stdout.trim() === 'true';
}

async function containersOf(service: string): Promise<readonly string[]> {
  const filter = `label=com.docker.swarm.service.name=${STACK}_${service}`;
  return (await docker('ps', '--quiet', '--no-trunc', '--filter', filter)).split('\n').filter(Boolean);
}

async function secrets(name: string): Promise<readonly string[]> {
  return (await docker('secret', 'ls', '--format', '{{.Name}}')).split('\n').filter((one) => one.includes(name));
}

/** What a server says first, as heard inside a container of a service; `nothing` when it cannot be reached. */
async function greetingFrom(service: string, host: string, port: number): Promise<string> {
  const [container = ''] = await containersOf(service);
  const script = `
    const socket = require('net').connect({ host: '${host}', port: ${port} });
    const say = (text) => { console.log(text); process.exit(0); };
    socket.on('data', (bytes) => say(String(bytes).trim()));
    socket.on('error', () => say('nothing'));
    setTimeout(() => say('nothing'), 3000);`;
  return (await docker('exec', container, 'node', '--eval', script)).trim();
}

async function makeSession(paths: FleetPaths, topology: Topology): Promise<PublicSession> {
  const key = readFileSync(paths.operatorKey, 'utf8').trim();
  const { stdout } = await execa('curl', [
    ...['--silent', '--show-error', '--fail-with-body', '--insecure', '--request', 'POST'],
    ...['--header', `Authorization: Bearer ${key}`, '--header', 'Content-Type: application/json'],
    ...['--data', '{"browser": "testcard"}', `https://localhost:${topology.public.port}/api/sessions`],
  ]);
  return JSON.parse(stdout) as PublicSession;
}
