/** `npm run bench`: contenders side by side in interleaved rounds. `--help` lists the options. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { CONTENDERS, installed } from './contenders.mjs';
import { Cores } from './cores.mjs';
import { table } from './report.mjs';
import { abandon, isPinned, runOnce } from './run.mjs';
import { SCENARIOS } from './scenarios.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const root = dirname(here);
/** Of a core: beyond this the load, and not the contender, is what was measured; or others disturbed it. */
const LOAD_LIMIT = 0.97;
const NOISE_LIMIT = 0.15;

const USAGE = `npm run bench -- [options]
  --quick             one short round, without what takes long (under 3 minutes)
  --rounds N          interleaved rounds (5)
  --contenders a,b    which; --list names them
  --scenarios a,b     which
  --baseline NAME     what ratios are relative to (websockify)
  --out FILE          raw numbers as JSON (artifacts/bench.json)
  --list              contenders and scenarios
`;

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    contenders: { type: 'string' },
    scenarios: { type: 'string' },
    baseline: { type: 'string', default: 'websockify' },
    out: { type: 'string', default: join('artifacts', 'bench.json') },
  },
});

function say(line) {
  process.stderr.write(`${line}\n`);
}

function stop(line) {
  say(line);
  process.exit(2);
}

function chosen(all, names, kind) {
  if (names === undefined) return all;
  return names
    .split(',')
    .map(
      (name) => all.find((one) => one.name === name) ?? stop(`no ${kind} ${JSON.stringify(name)}; --list names them`),
    );
}

/** Compiles the load generator, which can do all but TLS without OpenSSL's headers, and what compares cores. */
function buildLoad() {
  const compiler = ['cc', 'gcc', 'clang'].find((name) => installed(name));
  if (!compiler) stop('missing: a C compiler (cc, gcc or clang) for the load generator, bench/load');
  const output = join(root, 'node_modules', '.cache', 'camofleet-load');
  mkdirSync(dirname(output), { recursive: true });
  const distance = [`${output}-cores`, join(here, 'load', 'cores.c')];
  const isCompared = isPinned && spawnSync(compiler, ['-O3', '-pthread', '-o', ...distance]).status === 0;
  const cores = new Cores(isCompared ? distance[0] : undefined);
  const sources = ['main.c', 'peers.c', 'wire.c'].map((name) => join(here, 'load', name));
  const compile = (...more) => spawnSync(compiler, ['-O3', '-o', output, ...sources, ...more], { encoding: 'utf8' });
  if (compile('-DWITH_TLS', '-lssl', '-lcrypto').status === 0) return { load: output, cores, hasTls: true };
  const plain = compile();
  if (plain.status !== 0) stop(`the load generator does not compile:\n${plain.stderr}`);
  return { load: output, cores, hasTls: false };
}

function list() {
  for (const { name, what } of CONTENDERS) process.stdout.write(`${name.padEnd(18)} ${what}\n`);
  process.stdout.write('\n');
  for (const { name, what } of SCENARIOS) process.stdout.write(`${name.padEnd(18)} ${what}\n`);
}

/** Why a contender does not take part in a scenario; undefined when it does. */
function whyNot(contender, scenario, hasTls) {
  if (scenario.isTls && !contender.tls) return 'ends no TLS here';
  if (scenario.isTls && !hasTls) return 'OpenSSL headers are missing: the load generator speaks no TLS';
  if (scenario.isTls && !installed('openssl')) return 'openssl is missing: no certificate';
  return contender.skips?.[scenario.name];
}

async function measure(contenders, scenarios, { load, cores, hasTls, rounds }) {
  const runs = [];
  for (let round = 0; round < rounds; round += 1)
    for (const scenario of scenarios)
      for (let place = 0; place < contenders.length; place += 1) {
        const contender = contenders[(place + round) % contenders.length]; // whoever is first moves on
        if (whyNot(contender, scenario, hasTls)) continue;
        const names = { scenario: scenario.name, contender: contender.name, round };
        const before = options.quick ? cores.look() : await cores.near();
        const run = await runOnce(contender, scenario, { load, scale: options.quick ? 0.35 : 1 }).catch((error) => ({
          error: error.message,
        }));
        runs.push({ ...names, ...run, coresNs: [before, cores.look()] });
        say(`round ${round + 1}/${rounds}  ${scenario.name.padEnd(16)} ${contender.name.padEnd(12)} ${brief(run)}`);
      }
  return runs.map((run) => ({ ...run, isApart: run.coresNs.some((ns) => cores.areApart(ns)) }));
}

function brief({ error, numbers, problems }) {
  if (error) return `failed: ${error}`;
  const wrong = Object.keys(problems).length > 0 ? ` PROBLEMS ${JSON.stringify(problems)}` : '';
  return (
    Object.entries(numbers)
      .map(([name, value]) => `${name} ${Number(value.toPrecision(3))}`)
      .join(', ') + wrong
  );
}

function host() {
  return {
    date: new Date().toISOString(),
    cpu: cpus()[0]?.model,
    cores: cpus().length,
    kernel: release(),
    node: process.version,
    pinned: isPinned,
    quick: options.quick,
  };
}

function remarks(runs) {
  const limited = runs.filter(({ loadCpu }) => loadCpu > LOAD_LIMIT).map((run) => `${run.scenario}/${run.contender}`);
  const apart = runs.filter(({ isApart }) => isApart).length;
  const noisy = runs.filter(({ others }) => others > NOISE_LIMIT).length;
  return [
    '"x": how many times better than the baseline, median over rounds of runs side by side; else medians.',
    '"load", "others": cores that the load generator and other programs of the machine used meanwhile.',
    ...(isPinned ? [] : ['Not pinned (one core, or no taskset): contender and load disturbed each other.']),
    ...(limited.length > 0
      ? [`The load generator was the limit (compare CPU): ${[...new Set(limited)].join(', ')}.`]
      : []),
    ...(apart > 0
      ? [
          `The cores were apart, in different caches, in ${apart} of ${runs.length} runs: left out where there are others.`,
        ]
      : []),
    ...(noisy > 0 ? [`Others used more than ${NOISE_LIMIT} cores in ${noisy} of ${runs.length} runs.`] : []),
  ].join('\n');
}

for (const signal of ['SIGINT', 'SIGTERM'])
  process.once(signal, () => {
    abandon();
    process.exit(130);
  });

if (options.help) process.stdout.write(USAGE);
else if (options.list) list();
else {
  const asked = chosen(CONTENDERS, options.contenders, 'contender');
  const contenders = asked.filter(({ needs }) => needs === undefined || installed(needs));
  for (const { name } of asked.filter((one) => !contenders.includes(one))) say(`missing: ${name} is not installed`);
  const scenarios = chosen(SCENARIOS, options.scenarios, 'scenario').filter(
    ({ isLong }) => !(options.quick && isLong && options.scenarios === undefined),
  );
  const built = buildLoad();
  for (const scenario of scenarios)
    for (const contender of contenders) {
      const why = whyNot(contender, scenario, built.hasTls);
      if (why) say(`left out: ${contender.name} in ${scenario.name}: ${why}`);
    }
  const rounds = Number(options.rounds ?? (options.quick ? 1 : 5));
  const runs = await measure(contenders, scenarios, { ...built, rounds });
  const names = contenders.map(({ name }) => name);
  for (const scenario of scenarios) {
    const own = runs.filter((run) => run.scenario === scenario.name);
    if (own.length > 0) process.stdout.write(`${table(scenario, own, names, options.baseline)}\n`);
  }
  process.stdout.write(`${remarks(runs)}\n`);
  mkdirSync(dirname(options.out), { recursive: true });
  writeFileSync(options.out, `${JSON.stringify({ host: host(), baseline: options.baseline, runs }, null, 1)}\n`);
  say(`raw numbers: ${options.out}`);
  if (runs.some(({ error, problems = {} }) => error || Object.keys(problems).length > 0)) process.exitCode = 1;
}
