/** One run: a contender afresh on one core, the load on the other, CPU and memory read while it lasts. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { installed } from './contenders.mjs';
import { cpuOf, familyOf, machineCpu, memoryOf, watchGrowth } from './processes.mjs';

/** A contender listens by then, or has not come up. */
const START_MS = 20_000;
/** The longest run is the opening of thousands of viewers; one that takes longer hangs. */
const RUN_MS = 150_000;
const STOP_MS = 1_500;
/** Where each is pinned. */
export const CONTENDER_CORE = 0;
export const LOAD_CORE = 1;
/** Of what a contender complained about. */
const MAX_WORDS = 500;

/** Whether the contender and the load have a core each. */
export const isPinned = availableParallelism() > 1 && installed('taskset') !== undefined;

/** What runs now: the contender and the load, and their folder. */
const running = new Set();
const folders = new Set();

/** Ends what runs now, at once: whoever is interrupted leaves nothing behind. */
export function abandon() {
  for (const child of running) killFamily(familyOf(child.pid));
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
}

/** Runs a scenario once; the numbers, what went wrong, and how busy the load and others were. */
export async function runOnce(contender, scenario, { load, scale }) {
  const folder = mkdtempSync(join(tmpdir(), 'camofleet-bench-'));
  folders.add(folder);
  const [port, backend] = [await freePort(), await freePort()];
  if (scenario.isTls) makeCertificate(folder);
  const { command, env = {} } = contender.start({ port, backend, folder, tls: scenario.isTls });
  const gateway = start(command, CONTENDER_CORE, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
    cwd: folder,
  });
  const said = lastWords(gateway);
  try {
    await listening(port, gateway);
    await pause(300); // what is loaded behind the first answer
    const watch = watchRun(gateway.pid);
    await follow(loadCommand(contender, scenario, { load, scale, port, backend }), watch.on);
    if (gateway.exitCode !== null) throw new Error(`it exited with code ${gateway.exitCode}`);
    return outcome(scenario, watch.seen);
  } catch (error) {
    throw new Error([error.message, said()].filter(Boolean).join(': '), { cause: error });
  } finally {
    await stop(gateway);
    rmSync(folder, { recursive: true, force: true });
    folders.delete(folder);
  }
}

function loadCommand(contender, scenario, { load, scale, port, backend }) {
  const seconds = String(Math.max(0.5, scenario.seconds * scale));
  const scheme = scenario.isTls ? 'wss' : contender.scheme;
  return [
    load,
    ...['--scheme', scheme, '--path', contender.path ?? '/', '--port', String(port), '--backend-port', String(backend)],
    ...['--warmup', '0.7', '--secs', seconds, ...(scenario.isStall ? ['--stall-for', seconds] : [])],
    ...scenario.args,
  ];
}

/** Reads /proc when the load says that something begins or ends. */
function watchRun(pid) {
  const seen = { before: memoryOf(pid), marks: [], growth: 0 };
  const cpuBefore = cpuOf(pid);
  let grown;
  const snapshot = () => ({ cpu: cpuOf(pid), machine: machineCpu(), own: ownCpu(), at: performance.now() });
  const on = (line) => {
    if (line.event === 'established') seen.cpuOpened = cpuOf(pid) - cpuBefore;
    if (line.event === 'measure_begin') seen.begin = snapshot();
    if (line.event === 'measure_end') {
      seen.end = snapshot();
      seen.held = memoryOf(pid);
    }
    if (line.event === 'mark') seen.marks.push(memoryOf(pid).pss);
    if (line.event === 'stall_begin') grown = watchGrowth(pid);
    if (line.event === 'drained' && grown) seen.growth = grown();
    if (line.event === 'result') seen.result = line;
  };
  return { seen, on };
}

function outcome(scenario, seen) {
  const { result, begin, end } = seen;
  if (!result || result.opened === 0) throw new Error('no session opened');
  const problems = Object.fromEntries(Object.entries(result.problems).filter(([, count]) => count !== 0));
  if (!end && scenario.seconds > 0) throw new Error(`not all sessions opened: ${JSON.stringify(problems)}`);
  const measured = end && (end.at - begin.at) / 1_000;
  const cpu = end ? end.cpu - begin.cpu : 0;
  const known = end && cpu + (end.own - begin.own) + result.loadCpu * measured;
  return {
    numbers: scenario.numbers({ ...seen, cpu }),
    problems,
    loadCpu: result.loadCpu,
    gatewayCpu: end ? cpu / measured : null,
    others: end ? Math.max(0, (end.machine - begin.machine - known) / measured) : null,
    result,
  };
}

function ownCpu() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** What a program says on its standard error, of which the end is kept. */
function lastWords(child) {
  let words = '';
  child.stderr.setEncoding('utf8').on('data', (text) => (words = (words + text).slice(-MAX_WORDS)));
  return () => words.trim();
}

/** Runs the load to its end; each of its lines goes to `on`. */
async function follow(command, on) {
  const child = start(command, LOAD_CORE, { stdio: 'pipe' });
  const ended = new Promise((resolve, reject) => child.once('error', reject).once('close', resolve));
  const timer = setTimeout(() => child.kill('SIGKILL'), RUN_MS);
  let complaint = '';
  child.stderr.on('data', (text) => (complaint += text));
  child.stdin.on('error', () => {}); // it has ended: 'close' follows
  createInterface({ input: child.stdout }).on('line', (line) => {
    on(JSON.parse(line));
    child.stdin.write('\n'); // it has waited until we have looked
  });
  const code = await ended;
  clearTimeout(timer);
  if (code !== 0) throw new Error(`the load ended with ${child.signalCode ?? code} ${complaint.trim()}`);
}

function start(command, core, options) {
  const [file, ...args] = isPinned ? ['taskset', '-c', String(core), ...command] : command;
  const child = spawn(file, args, options);
  running.add(child);
  child.once('close', () => running.delete(child));
  return child;
}

async function stop(child) {
  const family = familyOf(child.pid);
  const ended =
    child.exitCode !== null || child.signalCode !== null || new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await Promise.race([ended, pause(STOP_MS)]);
  killFamily(family);
  await ended;
}

function killFamily(family) {
  for (const pid of family) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // it has gone by itself
    }
  }
}

async function listening(port, child) {
  const until = Date.now() + START_MS;
  while (!(await answers(port))) {
    if (child.exitCode !== null || child.signalCode !== null || Date.now() > until)
      throw new Error('it does not come up');
    await pause(30);
  }
}

function answers(port) {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

/** A port that is free now, below those that the kernel hands out. */
async function freePort() {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    const server = createServer();
    const isFree = await new Promise((resolve) => {
      server.once('error', () => resolve(false)).listen({ port, host: '127.0.0.1' }, () => resolve(true));
    });
    if (!isFree) continue;
    await new Promise((resolve) => server.close(resolve));
    return port;
  }
}

function makeCertificate(folder) {
  const out = ['-keyout', join(folder, 'key.pem'), '-out', join(folder, 'cert.pem')];
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const args = ['req', '-x509', ...kind, ...out, '-days', '2', '-subj', '/CN=localhost'];
  if (spawnSync('openssl', args).status !== 0) throw new Error('openssl makes no certificate');
}
