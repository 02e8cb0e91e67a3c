/**
 * `npm run demo`: a fleet comes up in .demo/, is verified, and goes down again. Exit code 0 only when verify said so.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { prepare, root, say } from './environment.mjs';

/** How far the default ports are moved until all are free; all stay below those that the kernel hands out (32768). */
const SHIFTS = [0, 4_000, 8_000, 12_000, 16_000, 20_000];
const PORTS = [8443, 6900, 6901, 8070, 8071, 9000, 9001, 5900, 5901];

say('camofleet demo: bring a fleet up, verify it, take it down');
const node = prepare();
const folder = join(root, '.demo');
const cli = join(root, 'bin', 'run.js');

/** Runs the CLI with our own output; resolves with its exit code. */
function camofleet(args, { stdout = 'inherit', stderr = 'inherit' } = {}) {
  return new Promise((resolve) => {
    const child = spawn(node, [cli, ...args], { cwd: root, stdio: ['ignore', stdout, stderr] });
    child.once('exit', (code, signal) => resolve(code ?? (signal === 'SIGINT' ? 130 : 1)));
  });
}

function isFree(port) {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ host: '127.0.0.1', port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

async function freeShift() {
  for (const shift of SHIFTS)
    if ((await Promise.all(PORTS.map((port) => isFree(port + shift)))).every(Boolean)) return shift;
  say('failed  finding free ports\n  → free the port 8443 and its like, or move the defaults in scripts/demo.mjs');
  return process.exit(3);
}

let interrupted = false;
for (const signal of ['SIGINT', 'SIGTERM'])
  process.on(signal, () => {
    interrupted = true;
  });

async function step(name, args, output) {
  if (interrupted) return 130;
  say(`\n— ${name}: camofleet ${args.join(' ')}`);
  const code = await camofleet(args, output);
  if (code !== 0)
    say(`failed  ${name} (exit code ${code})\n  → the lines above say why; camofleet logs -C .demo has more`);
  return code;
}

if (existsSync(join(folder, 'camofleet.yaml')))
  await camofleet(['down', '-C', folder], { stdout: 'ignore', stderr: 'ignore' });
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
const shift = await freeShift();
let code = await step(
  'a fleet is written',
  ['init', '--yes', '--dir', '.demo', ...(shift === 0 ? [] : ['--shift', String(shift)])],
  { stdout: 'ignore' },
);
if (code === 0) {
  code = await step('it comes up', ['up', '--detach', '--wait', '-C', '.demo']);
  if (code === 0) code = await step('it is verified', ['verify', '-C', '.demo', '--out', join(root, 'artifacts')]);
  const down = await camofleet(['down', '-C', '.demo']);
  code = interrupted ? 130 : code === 0 ? down : code;
}
if (code === 0)
  say(`
The evidence lies in artifacts/latest/: report.html for people, report.json for programs.

Keep a fleet running and look at it:
  npm run camofleet -- up -C .demo        starts it and prints its URL; open that in a browser, Ctrl-C stops it
  npm run camofleet -- verify -C .demo    proves it again, from another terminal
The certificate is a throw-away one: the browser asks once.`);
process.exit(code);
