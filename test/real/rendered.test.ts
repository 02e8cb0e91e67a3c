/** What is rendered, read by the programs that it is rendered for. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { get } from 'node:https';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { connect } from 'node:tls';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { parseDocument } from 'yaml';
import { ensurePki } from '../../src/pki/index.ts';
import { type RenderEngine, fleetPaths, render } from '../../src/topology/index.ts';
import { lacks } from '../support/components.ts';
import { EXAMPLES, packageTemplates, topologyOf } from '../topology/support/topology.ts';

interface Folder extends Disposable {
  readonly dir: string;
  readonly write: (path: string, text: string) => void;
}

/** A folder with everything that an engine needs of a topology. */
async function renderedFolder(yaml: string, engine: RenderEngine): Promise<Folder> {
  const dir = mkdtempSync(join(tmpdir(), 'camofleet-rendered-'));
  const write: Folder['write'] = (path, text) => {
    mkdirSync(dirname(join(dir, path)), { recursive: true });
    writeFileSync(join(dir, path), text);
  };
  const paths = fleetPaths(dir);
  mkdirSync(paths.pki, { recursive: true });
  mkdirSync(paths.logs, { recursive: true });
  await ensurePki(paths, ['localhost', '127.0.0.1'], Date.now());
  write('certs/fleet.pem', readFileSync(paths.leafCertificate, 'utf8'));
  write('certs/fleet.key', readFileSync(paths.leafKey, 'utf8'));
  const input = { paths, templates: await packageTemplates(), version: '1.2.3' };
  for (const { path, text } of render(topologyOf(yaml), engine, input)) write(path, text);
  return { dir, write, [Symbol.dispose]: () => rmSync(dir, { recursive: true }) };
}

interface Traefik extends AsyncDisposable {
  /** Its own log so far, parsed. */
  readonly log: () => readonly { readonly level: string; readonly message: string }[];
  /** Asks it to stop and waits until it has. */
  readonly stop: () => Promise<number | null>;
}

function startTraefik(dir: string): Traefik {
  const child = spawn('traefik', ['--configfile=.camofleet/rendered/local/traefik.yaml'], {
    cwd: dir,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes: Buffer) => (output += bytes.toString()));
  const exited = once(child, 'exit').then(([code]) => code as number | null);
  return {
    log: () =>
      output
        .split('\n')
        .slice(0, -1)
        .map((line) =>
          line.startsWith('{')
            ? (JSON.parse(line) as { level: string; message: string })
            : { level: 'error', message: line },
        ),
    stop: () => {
      child.kill('SIGTERM');
      return exited;
    },
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

/** What Traefik says beyond information. */
const complaints = (traefik: Traefik): string[] =>
  traefik
    .log()
    .filter(({ level }) => !['info', 'debug'].includes(level))
    .map((line) => JSON.stringify(line));

/** Ports that nobody has at the moment. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => once(server.close(), 'close')));
  return ports;
}

function statusOf(port: number, path: string): Promise<number | string> {
  return new Promise((resolve) => {
    const asked = get(
      { host: '127.0.0.1', port, path, rejectUnauthorized: false, agent: false, timeout: 5_000 },
      (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      },
    );
    asked.on('timeout', () => asked.destroy(new Error('no answer')));
    asked.on('error', (error) => resolve(String(error)));
  });
}

/** An example whose ports are free, its ingress on loopback. */
async function onFreePorts(example: string): Promise<{ yaml: string; port: number }> {
  const [port, gateway, control] = await freePorts(3);
  const document = parseDocument(EXAMPLES[example]!);
  document.setIn(['public', 'port'], port);
  document.setIn(['public', 'bind'], '127.0.0.1');
  document.setIn(['gateway', 'port'], gateway);
  document.setIn(['control', 'port'], control);
  return { yaml: document.toString(), port: port! };
}

describe.skipIf(lacks('traefik'))('the real Traefik', () => {
  test.each(['throwaway', 'files'])(
    'takes the files of %s without a warning, and routes what is public and nothing else',
    async (example) => {
      const { yaml, port } = await onFreePorts(example);
      using folder = await renderedFolder(yaml, 'local');
      await using traefik = startTraefik(folder.dir);
      // 502: a route led to a service that does not run. 404: no route.
      await expect.poll(() => statusOf(port, '/websockify'), { timeout: 20_000 }).toBe(502);
      const routed = [
        '/vnc/abc',
        '/vnc/~assets/x.js',
        '/websockify',
        '/api',
        '/api/sessions',
        '/ui',
        '/ui/',
        '/ui/x',
        '/',
      ];
      const foreign = [
        '/vnc',
        '/vncx',
        '/websockify/',
        '/websockifyx',
        '/apix',
        '/uix',
        '/metrics',
        '/internal/gateways/a/events',
        '/admin/drain',
        '/healthz',
      ];
      expect(await Promise.all(routed.map((path) => statusOf(port, path)))).toEqual(routed.map(() => 502));
      expect(await Promise.all(foreign.map((path) => statusOf(port, path)))).toEqual(foreign.map(() => 404));
      expect(await statusOf(port, '/vnc/asked?token=canary')).toBe(502);
      expect(await traefik.stop()).toBe(0);
      expect(complaints(traefik)).toEqual([]);
      const log = readFileSync(fleetPaths(folder.dir).accessLog, 'utf8');
      const paths = log
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as { RequestPath: string }).RequestPath);
      expect(paths.filter((path) => path === '/vnc/asked')).toHaveLength(1);
      expect(log).not.toContain('canary');
    },
  );

  test('takes the files of acme, and complains of nothing but the authority that it cannot reach', async () => {
    const { yaml, port } = await onFreePorts('acme');
    using folder = await renderedFolder(yaml, 'local');
    const file = '.camofleet/rendered/local/traefik.yaml';
    const document = parseDocument(readFileSync(join(folder.dir, file), 'utf8'));
    document.setIn(['certificatesResolvers', 'camofleet-tls', 'acme', 'caServer'], 'https://127.0.0.1:1/directory');
    folder.write(file, document.toString());
    await using traefik = startTraefik(folder.dir);
    await expect.poll(() => statusOf(port, '/websockify'), { timeout: 20_000 }).toBe(502);
    await expect.poll(() => complaints(traefik).length, { timeout: 20_000 }).toBeGreaterThan(0);
    // It speaks the protocol of the challenge, and has no challenge now: not "no application protocol".
    expect(await answerToChallenge(port)).toContain('unrecognized name');
    await traefik.stop();
    expect(complaints(traefik).filter((line) => !/acme/i.test(line) || !line.includes('fleet.example.com'))).toEqual(
      [],
    );
  });
});

/** What an authority is told that comes to look for the answer to its TLS challenge. */
async function answerToChallenge(port: number): Promise<string> {
  const socket = connect({
    host: '127.0.0.1',
    port,
    servername: 'fleet.example.com',
    ALPNProtocols: ['acme-tls/1'],
    rejectUnauthorized: false,
  });
  try {
    await once(socket, 'secureConnect');
    return `agreed on ${socket.alpnProtocol}`;
  } catch (error) {
    return String(error);
  } finally {
    socket.destroy();
  }
}

describe.skipIf(lacks('compose'))('the real Compose', () => {
  test.each(Object.keys(EXAMPLES))('takes the file of %s without a word, and reads what was meant', async (example) => {
    using folder = await renderedFolder(EXAMPLES[example]!, 'compose');
    const { exitCode, stdout, stderr } = await execa(
      'docker-compose',
      ['--profile', '*', 'config', '--format', 'json'],
      {
        cwd: folder.dir,
        reject: false,
        env: { CAMOFLEET_DOCKER_GROUP: '999' },
      },
    );
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    const { name, services, secrets } = JSON.parse(stdout) as {
      name: string;
      services: Record<string, { environment: Record<string, string>; ports?: object[]; networks: object }>;
      secrets: Record<string, { file: string }>;
    };
    expect(name).toMatch(/^[a-z0-9][a-z0-9_-]*$/);
    expect(Object.keys(services).toSorted()).toEqual(['control', 'gateway', 'runner', 'traefik']);
    const { runner } = topologyOf(EXAMPLES[example]!);
    const published = Object.keys(services).filter((one) => services[one]!.ports);
    expect(published.toSorted()).toEqual(runner.hosts.length > 0 ? ['runner', 'traefik'] : ['traefik']);
    for (const { file } of Object.values(secrets)) expect(file.startsWith(folder.dir)).toBe(true);
    // Compose writes a dollar twice, so that what it prints can be read again.
    const { environment } = services['runner']!;
    expect(environment['RUNNER_SESSION_DEFAULTS__START_URL']!.replaceAll('$$', '$')).toBe(runner.startUrl);
    expect(JSON.parse(environment['CAMOFLEET_RUNNER_BROWSERS']!.replaceAll('$$', '$'))).toEqual(runner.browsers);
  });
});
