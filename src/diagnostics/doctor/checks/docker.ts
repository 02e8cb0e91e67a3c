import type { Verdict } from '../../check.js';
import { type DoctorContext, type HostCheck, isContained } from '../context.js';
import { type DockerInfo, type DockerSight, isAtLeast, versionIn } from '../docker.js';

/** Before it, the default seccomp profile answers clone3 with EPERM, and programs of newer systems cannot start threads. */
const LEAST_DOCKER = [20, 10, 10];
/** The first with every key that the rendered file has, on daemons that are as old. */
const LEAST_COMPOSE = [2, 23, 1];
const ASK_MS = 10_000;

const dockerDaemon: HostCheck = {
  id: 'docker.daemon',
  source: 'docker info',
  hop: 'control',
  title: 'the Docker daemon answers',
  needs: [],
  budgetMs: ASK_MS,
  applies: isContained,
  run: async ({ docker }) => judgeDaemon(await docker()),
};

export function judgeDaemon(sight: DockerSight): Verdict {
  switch (sight.state) {
    case 'here':
      return { status: 'pass', saw: `Docker ${sight.info.ServerVersion}` };
    case 'unknown':
      return { status: 'unknown', because: sight.because };
    case 'missing':
      return dockerFault('no program `docker` on PATH', 'Install Docker Engine: docs.docker.com/engine/install');
    case 'unreachable':
      return dockerFault(
        sight.why,
        /permission denied/i.test(sight.why)
          ? 'sudo usermod -aG docker "$USER", then log in anew'
          : 'sudo systemctl start docker, or set DOCKER_HOST to the daemon that you mean',
      );
  }
}

function dockerFault(saw: string, remedy: string): Verdict {
  return { status: 'fail', code: 'CF-HOST-DOCKER', saw, want: 'a Docker daemon that answers this user', remedy };
}

const dockerVersion: HostCheck = {
  id: 'docker.version',
  source: 'docker info',
  hop: 'control',
  title: 'Docker is young enough',
  needs: ['docker.daemon'],
  budgetMs: ASK_MS,
  applies: isContained,
  run: (context) => ofDaemon(context, judgeDockerVersion),
};

export function judgeDockerVersion({ ServerVersion }: Pick<DockerInfo, 'ServerVersion'>): Verdict {
  const version = versionIn(ServerVersion);
  if (!version) return { status: 'unknown', because: `no version can be read in ${JSON.stringify(ServerVersion)}` };
  if (isAtLeast(version, LEAST_DOCKER)) return { status: 'pass', saw: `${LEAST_DOCKER.join('.')} or newer` };
  return {
    status: 'warn',
    code: 'CF-HOST-VERSION',
    saw: `Docker ${ServerVersion}`,
    want: `${LEAST_DOCKER.join('.')} or newer: older ones keep new images from starting threads`,
    remedy: `Update Docker Engine to ${LEAST_DOCKER.join('.')} or newer`,
  };
}

const compose: HostCheck = {
  id: 'docker.compose',
  source: 'docker compose version',
  hop: 'control',
  title: 'Docker Compose is there',
  needs: [],
  budgetMs: ASK_MS,
  applies: ({ engine }) => engine === 'compose',
  async run({ io }) {
    const [docker, standalone] = [io.program('docker'), io.program('docker-compose')];
    const plugin = docker === undefined ? undefined : await io.run(docker, ['compose', 'version']);
    if (plugin?.code === 0) return judgeCompose(plugin.stdout);
    const alone = standalone === undefined ? undefined : await io.run(standalone, ['version']);
    return judgeCompose(alone?.code === 0 ? alone.stdout : undefined);
  },
};

/** What Compose says of its version; undefined where there is none. */
export function judgeCompose(said: string | undefined): Verdict {
  const least = LEAST_COMPOSE.join('.');
  if (said === undefined)
    return {
      status: 'fail',
      code: 'CF-HOST-COMPOSE',
      saw: 'neither `docker compose` nor `docker-compose` runs',
      want: `Docker Compose ${least} or newer`,
    };
  const version = versionIn(said);
  const text = version?.join('.') ?? '';
  if (!version) return { status: 'unknown', because: `no version can be read in ${JSON.stringify(said.trim())}` };
  if (isAtLeast(version, LEAST_COMPOSE)) return { status: 'pass', saw: `Docker Compose ${text}` };
  return { status: 'fail', code: 'CF-HOST-COMPOSE', saw: `Docker Compose ${text}`, want: `${least} or newer` };
}

const swarm: HostCheck = {
  id: 'docker.swarm',
  source: 'docker info',
  hop: 'control',
  title: 'this node is a manager of a swarm',
  needs: ['docker.daemon'],
  budgetMs: ASK_MS,
  applies: ({ engine }) => engine === 'swarm',
  run: (context) => ofDaemon(context, judgeSwarm),
};

export function judgeSwarm({ Swarm: node }: Pick<DockerInfo, 'Swarm'>): Verdict {
  if (!node) return { status: 'unknown', because: 'the daemon does not say whether it is part of a swarm' };
  if (node.LocalNodeState === 'active' && node.ControlAvailable) return { status: 'pass', saw: 'manager, active' };
  const isWorker = node.LocalNodeState === 'active';
  return {
    status: 'fail',
    code: 'CF-HOST-SWARM',
    saw: isWorker ? 'this node is a worker' : `the swarm of this node is ${node.LocalNodeState}`,
    want: 'an active manager: stacks are deployed from one',
    ...(isWorker && { remedy: 'Run it on a manager, or there: docker node promote NODE' }),
  };
}

const cgroup: HostCheck = {
  id: 'docker.limits',
  source: 'docker info',
  hop: 'runner',
  title: 'limits of containers take effect',
  needs: ['docker.daemon'],
  budgetMs: ASK_MS,
  applies: isContained,
  run: (context) => ofDaemon(context, judgeLimits),
};

export function judgeLimits(info: Omit<DockerInfo, 'ServerVersion'>): Verdict {
  const kind = `cgroup v${info.CgroupVersion ?? '1'}`;
  const limits = { memory: info.MemoryLimit, CPU: info.CpuCfsQuota, processes: info.PidsLimit };
  const missing = Object.entries(limits).filter(([, works]) => works === false);
  if (missing.length > 0)
    return {
      status: 'warn',
      code: 'CF-HOST-CGROUP',
      saw: `${kind}; no limit of ${missing.map(([name]) => name).join(', ')}`,
      want: 'limits of memory, CPU and processes that the kernel enforces',
    };
  if (Object.values(limits).includes(undefined))
    return { status: 'unknown', because: `${kind}; the daemon does not say which limits it can set` };
  return { status: 'pass', saw: `${kind}, with limits of memory, CPU and processes` };
}

const seccomp: HostCheck = {
  id: 'docker.seccomp',
  source: 'docker info',
  hop: 'runner',
  title: 'containers are confined by seccomp',
  needs: ['docker.daemon'],
  budgetMs: ASK_MS,
  applies: isContained,
  run: (context) => ofDaemon(context, judgeSeccomp),
};

export function judgeSeccomp({ SecurityOptions: options }: Pick<DockerInfo, 'SecurityOptions'>): Verdict {
  const own = options?.find((option) => option.startsWith('name=seccomp'));
  if (own !== undefined && !own.includes('profile=unconfined'))
    return { status: 'pass', saw: own.replace('name=', '').replace(',', ', ').replace('=', ' ') };
  return {
    status: 'warn',
    code: 'CF-HOST-SECCOMP',
    saw: own === undefined ? 'the daemon has no seccomp' : 'the daemon starts containers unconfined',
    want: 'seccomp with a profile: browsers of strangers run in these containers',
  };
}

async function ofDaemon({ docker }: DoctorContext, judge: (info: DockerInfo) => Verdict): Promise<Verdict> {
  const sight = await docker();
  return sight.state === 'here' ? judge(sight.info) : { status: 'unknown', because: 'the daemon did not answer' };
}

export const dockerChecks: readonly HostCheck[] = [dockerDaemon, dockerVersion, compose, swarm, cgroup, seccomp];
