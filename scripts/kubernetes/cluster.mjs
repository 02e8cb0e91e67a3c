/**
 * A Kubernetes control plane on loopback: etcd, API server, controllers, scheduler, and nodes that only pretend (kwok): pods
 * are scheduled and become ready, and no container runs. Everything lies in one folder and ends with `stop`.
 */
import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, openSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

const READY_MS = 60_000;
const STOP_MS = 20_000;
const NODES = 3;

/** Starts it in an empty folder; resolves when the nodes are ready. */
export async function startCluster(folder, { controlPlane, stages }) {
  const children = [];
  const start = (name, program, ...args) => {
    const log = openSync(join(folder, `${name}.log`), 'a');
    const child = spawn(program, args, { cwd: folder, stdio: ['ignore', log, log] });
    closeSync(log);
    const ended = new Promise((resolve) => child.once('close', resolve));
    child.once('error', () => {}); // told by what waits for it
    children.push({ child, ended });
  };
  const stop = async () => {
    for (const { child, ended } of children.toReversed()) {
      child.kill('SIGTERM');
      const gone = await Promise.race([ended.then(() => true), pause(STOP_MS, false, { ref: false })]);
      if (!gone) child.kill('SIGKILL');
      await ended;
    }
  };
  try {
    const [client, peer, api, kubelet] = await freePorts(4);
    const token = randomBytes(16).toString('hex');
    writeFileSync(join(folder, 'tokens.csv'), `${token},admin,admin,system:masters\n`, { mode: 0o600 });
    run('openssl', ['genrsa', '-out', join(folder, 'account.key'), '2048']);
    const local = 'http://127.0.0.1';
    start(
      'etcd',
      controlPlane,
      'etcd',
      '--data-dir=etcd',
      '--unsafe-no-fsync',
      '--log-level=warn',
      `--listen-client-urls=${local}:${client}`,
      `--advertise-client-urls=${local}:${client}`,
      `--listen-peer-urls=${local}:${peer}`,
      `--initial-advertise-peer-urls=${local}:${peer}`,
      `--initial-cluster=default=${local}:${peer}`,
    ); // prettier-ignore
    start(
      'apiserver',
      controlPlane,
      'apiserver',
      `--etcd-servers=${local}:${client}`,
      '--bind-address=127.0.0.1',
      `--secure-port=${api}`,
      '--cert-dir=certs',
      '--service-cluster-ip-range=10.250.0.0/24',
      '--service-account-issuer=https://local.invalid',
      '--service-account-key-file=account.key',
      '--service-account-signing-key-file=account.key',
      '--token-auth-file=tokens.csv',
      '--authorization-mode=RBAC',
      '--endpoint-reconciler-type=none',
    ); // prettier-ignore
    const kubeconfig = join(folder, 'kubeconfig');
    const cluster = {
      server: `https://127.0.0.1:${api}`,
      'certificate-authority': join(folder, 'certs', 'apiserver.crt'),
    };
    writeFileSync(
      kubeconfig,
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'Config',
        clusters: [{ name: 'local', cluster }],
        users: [{ name: 'admin', user: { token } }],
        contexts: [{ name: 'local', context: { cluster: 'local', user: 'admin' } }],
        'current-context': 'local',
      }),
      { mode: 0o600 },
    );
    const kubectl = (args, input) => run('kubectl', ['--kubeconfig', kubeconfig, ...args], input);
    await until('the API server', () => kubectl(['get', '--raw', '/readyz']));
    start(
      'controllers',
      controlPlane,
      'controllers',
      '--kubeconfig=kubeconfig',
      '--bind-address=127.0.0.1',
      '--secure-port=0',
      '--service-account-private-key-file=account.key',
      '--root-ca-file=certs/apiserver.crt',
      '--use-service-account-credentials=false',
      '--leader-elect=false',
    ); // prettier-ignore
    start(
      'scheduler',
      controlPlane,
      'scheduler',
      '--kubeconfig=kubeconfig',
      '--bind-address=127.0.0.1',
      '--secure-port=0',
      '--leader-elect=false',
    );
    start(
      'kwok',
      'kwok',
      '--kubeconfig=kubeconfig',
      '--manage-all-nodes=true',
      '--node-lease-duration-seconds=40',
      `--server-address=127.0.0.1:${kubelet}`,
      ...stages.flatMap((stage) => ['-c', stage]),
    ); // prettier-ignore
    kubectl(['apply', '-f', '-'], nodes());
    await until('the nodes', () => kubectl(['wait', '--for=condition=Ready', 'node', '--all', '--timeout=2s']));
    return { kubeconfig, kubectl, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Runs a program; returns its output, or throws what it said. */
export function run(program, args, input) {
  const result = spawnSync(program, args, { encoding: 'utf8', input: input ?? '' });
  if (result.status !== 0) throw new Error(`${program}: ${result.stderr ?? ''}${result.error ?? ''}`.trim());
  return result.stdout;
}

function nodes() {
  const size = { cpu: '8', memory: '16Gi', pods: '110' };
  const items = Array.from({ length: NODES }, (_, index) => ({
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name: `pretend-${index}`,
      labels: { 'kubernetes.io/hostname': `pretend-${index}`, 'kubernetes.io/os': 'linux' },
    },
    status: { capacity: size, allocatable: size },
  }));
  return JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
}

async function until(what, look) {
  const end = performance.now() + READY_MS;
  for (;;) {
    try {
      return look();
    } catch (error) {
      if (performance.now() > end)
        throw new Error(`${what} was not ready within ${READY_MS / 1000} s: ${error.message}`, { cause: error });
      await pause(200);
    }
  }
}

async function freePorts(count) {
  const servers = await Promise.all(
    Array.from(
      { length: count },
      () =>
        new Promise((resolve, reject) => {
          const server = createServer().once('error', reject);
          server.listen(0, '127.0.0.1', () => resolve(server));
        }),
    ),
  );
  const ports = servers.map((server) => server.address().port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
