/**
 * `node scripts/kubernetes.mjs`: the chart on a real API server. It is validated strictly, with Traefik's own kinds, then
 * installed, upgraded, rolled back and uninstalled by helm, in a namespace that enforces the restricted pod standard.
 * Pods are scheduled and no container runs: templates, order, scaling and what the server refuses are proved, the network
 * is not. Everything is on loopback, and stopped in the end. Exit code 0 only when all was seen.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { prepare, root, say } from './environment.mjs';
import { run, startCluster } from './kubernetes/cluster.mjs';
import { preparePrograms } from './kubernetes/programs.mjs';

const CHART = join(root, 'charts', 'camofleet');
const NAMESPACE = 'fleet';
const WAIT = '60s';

prepare({ build: false });
const programs = preparePrograms();
const folder = mkdtempSync(join(tmpdir(), 'camofleet-kubernetes-'));
const started = performance.now();
const cluster = await startCluster(folder, programs).catch((error) => {
  rmSync(folder, { recursive: true, force: true });
  throw error;
});
let seen = 0;
try {
  saw(started, 'the control plane is ready', `${version()}, ${names('nodes').length} pretended nodes`);
  story();
  say(`\nAll ${seen} were seen.`);
} catch (error) {
  say(`\nfailed  ${error.message}`);
  process.exitCode = 1;
} finally {
  await cluster.stop();
  rmSync(folder, { recursive: true, force: true });
}

function story() {
  timed('the namespace takes restricted pods alone', () => {
    const labels = {
      'pod-security.kubernetes.io/enforce': 'restricted',
      'pod-security.kubernetes.io/warn': 'restricted',
    };
    apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE, labels } });
  });
  timed("Traefik's kinds are established", () => {
    cluster.kubectl(['apply', '--server-side', '-f', programs.traefikKinds]);
    cluster.kubectl(['wait', '--for=condition=Established', 'crd', '--all', `--timeout=${WAIT}`]);
  });
  for (const [title, ...values] of [
    ['as it is'],
    [
      'with a plain Ingress, state on a volume and scaling',
      'ingress.kind=ingress',
      'control.persistence.enabled=true',
      'metrics.enabled=true',
      'gateway.autoscaling.enabled=true',
    ],
  ])
    timed(
      `the server takes the chart strictly, ${title}`,
      () => `${strictly(template(values)).split('\n').length - 1} objects`,
    );
  for (const [kind, right, wrong] of [
    ['a Deployment', 'readinessProbe', 'readynessProbe'],
    ['an IngressRoute', 'entryPoints', 'entrypoints'],
    ['a NetworkPolicy', 'endPort', 'lastPort'],
  ])
    timed(`a misspelt field of ${kind} is refused`, () =>
      refused(() => strictly(template([]).replaceAll(`${right}:`, `${wrong}:`)), wrong),
    );
  timed('a misspelt value is refused', () => refused(() => install('gateway.replicsa=2'), 'replicsa'));
  timed('a pod that asks for a capability is refused', () =>
    refused(() => apply(greedyPod()), 'violates PodSecurity "restricted'),
  );

  timed('installed', () => install());
  timed('all pods are ready', () => podsOf('gateway', 2) + podsOf('control', 1) + podsOf('runner', 1));
  const keys = secret();
  timed('upgraded: three gateways, two runners, faster pings', () =>
    install('gateway.replicas=3', 'runner.replicas=2', 'topology.gateway.pingIntervalMs=10000'),
  );
  timed('the new number of pods is ready', () => podsOf('gateway', 3) + podsOf('control', 1) + podsOf('runner', 2));
  timed('control knows both runners', () => workers(2));
  timed('the keys are the same', () => check(secret() === keys, 'the keys changed'));
  timed('a node is emptied within the disruption budgets', () => {
    cluster.kubectl(['drain', 'pretend-0', '--ignore-daemonsets', '--delete-emptydir-data', '--timeout=60s']);
    cluster.kubectl(['uncordon', 'pretend-0']);
    return podsOf('gateway', 3);
  });
  timed(
    'rolled back',
    () => run('helm', [...helm(), 'rollback', 'camofleet', '1', '--wait', '--timeout', WAIT]) && undefined,
  );
  timed('the old number of pods is ready', () => podsOf('gateway', 2) + podsOf('runner', 1));
  timed('control knows one runner', () => workers(1));
  timed('the keys are still the same', () => check(secret() === keys, 'the keys changed'));
  timed(
    'uninstalled',
    () => run('helm', [...helm(), 'uninstall', 'camofleet', '--wait', '--timeout', WAIT]) && undefined,
  );
  timed('nothing is left', () => {
    const kinds =
      'all,configmap,secret,serviceaccount,networkpolicy,poddisruptionbudget,ingressroutes.traefik.io,middlewares.traefik.io,serverstransports.traefik.io,tlsoptions.traefik.io';
    const left = cluster.kubectl([
      'get',
      kinds,
      '-n',
      NAMESPACE,
      '-l',
      'app.kubernetes.io/name=camofleet',
      '-o',
      'name',
    ]);
    check(left === '', `left: ${left}`);
  });
}

/** Does one thing, and says that it was done, how long it took and what was seen. */
function timed(title, work) {
  const from = performance.now();
  try {
    saw(from, title, work() ?? '');
  } catch (error) {
    throw new Error(`${title}: ${error.message}`, { cause: error });
  }
}

function saw(from, title, what) {
  seen += 1;
  const took = `${((performance.now() - from) / 1000).toFixed(1)} s`;
  process.stdout.write(`${took.padStart(7)}  ${title}${what === '' ? '' : `: ${what}`}\n`);
}

function helm() {
  return ['--kubeconfig', cluster.kubeconfig, '--namespace', NAMESPACE];
}

function install(...values) {
  const sets = values.flatMap((value) => ['--set', value]);
  run('helm', [...helm(), 'upgrade', '--install', 'camofleet', CHART, '--wait', '--timeout', WAIT, ...sets]);
}

function template(values) {
  const sets = values.flatMap((value) => ['--set', value]);
  return run('helm', [...helm(), 'template', 'camofleet', CHART, '--kube-version', programs.version, ...sets]);
}

/** The server's answer to objects that it checks and does not keep. */
function strictly(objects) {
  return cluster.kubectl(
    ['apply', '-n', NAMESPACE, '--dry-run=server', '--validate=strict', '-o', 'name', '-f', '-'],
    objects,
  );
}

function apply(object) {
  cluster.kubectl(['apply', '-n', NAMESPACE, '-f', '-'], JSON.stringify(object));
}

/** The line of a refusal that holds a word. Throws when nothing was refused, or for another reason. */
function refused(work, word) {
  try {
    work();
  } catch (error) {
    const line = error.message.split('\n').find((text) => text.includes(word));
    if (line !== undefined)
      return `…${line.slice(Math.max(0, line.indexOf(word) - 40), line.indexOf(word) + 60).trim()}…`;
    throw error;
  }
  throw new Error('it was taken');
}

/** Waits until a service has exactly so many pods, all ready. */
function podsOf(component, count) {
  const workload = `${component === 'runner' ? 'statefulset' : 'deployment'}/camofleet-${component}`;
  for (const field of ['replicas', 'readyReplicas'])
    cluster.kubectl([
      ...['wait', '-n', NAMESPACE, workload, `--timeout=${WAIT}`],
      `--for=jsonpath={.status.${field}}=${count}`,
    ]);
  return `${count} ${component} `;
}

function names(kind, selector = '') {
  const args = ['get', kind, '-o', 'name', ...(selector === '' ? [] : ['-n', NAMESPACE, '-l', selector])];
  return cluster.kubectl(args).trim().split('\n').filter(Boolean);
}

function workers(count) {
  const text = cluster.kubectl([
    'get',
    'configmap',
    'camofleet-control',
    '-n',
    NAMESPACE,
    '-o',
    'jsonpath={.data.CONTROL_WORKERS}',
  ]);
  const found = JSON.parse(text);
  check(found.length === count, `${found.length} runners instead of ${count}`);
  return found.map(({ name }) => name).join(', ');
}

function secret() {
  return cluster.kubectl(['get', 'secret', 'camofleet-keys', '-n', NAMESPACE, '-o', 'jsonpath={.data}']);
}

function version() {
  return JSON.parse(cluster.kubectl(['get', '--raw', '/version'])).gitVersion;
}

function greedyPod() {
  const securityContext = { capabilities: { add: ['SYS_ADMIN'] } };
  const containers = [{ name: 'runner', image: 'camofleet/runner', securityContext }];
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'greedy' }, spec: { containers } };
}

function check(isTrue, otherwise) {
  if (!isTrue) throw new Error(otherwise);
}
