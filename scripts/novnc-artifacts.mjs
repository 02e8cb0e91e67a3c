/**
 * `npm run guide:artifacts`: a fleet on real Traefik, Xvfb and x11vnc comes up, is verified with packets, and goes down;
 * what `verify` kept of it, redacted, becomes artifacts/novnc/. Linux, with the right to capture; about a minute.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseDocument } from 'yaml';
import { prepare, root, stop } from './environment.mjs';
import { leaksIn } from './guide/leaks.mjs';
import { artifactsPage } from './guide/artifacts.mjs';

const NEEDED = ['traefik', 'Xvfb', 'x11vnc', 'tcpdump', 'tshark'];
const FILES = ['traefik-access.log', 'websockify.log', 'vnc.tcpdump.pcap'];
/** Long enough for pings of the gateway; small enough to be kept in a repository. */
const DURATION = '8s';
const PING_INTERVAL_MS = 3_000;
const RESOLUTION = '96x72x24';
const MAX_BYTES = 300_000;
/** How far the default ports are moved until all are free. */
const SHIFTS = [0, 4_000, 8_000, 12_000, 16_000, 20_000];
const PORTS = [8443, 6900, 6901, 8070, 8071, 9000, 9001, 5900, 5901];

const node = prepare();
const folder = join(root, 'artifacts', 'novnc');
for (const program of NEEDED)
  if (spawnSync('sh', ['-c', `command -v ${program}`]).status !== 0)
    stop('looking for the real components', `${program} is not on PATH`, 'Install it; .ci/run names the package.');
const dir = mkdtempSync(join(tmpdir(), 'camofleet-artifacts-'));
process.once('exit', () => rmSync(dir, { recursive: true, force: true }));

camofleet(['init', '--yes', '--fleet', 'camofleet', '--shift', String(await freeShift())]);
const file = join(dir, 'camofleet.yaml');
const topology = parseDocument(readFileSync(file, 'utf8'));
topology.setIn(['runner', 'resolution'], RESOLUTION);
topology.setIn(['ingress', 'kind'], 'traefik');
topology.setIn(['gateway', 'pingIntervalMs'], PING_INTERVAL_MS);
writeFileSync(file, topology.toString());
camofleet(['up', '--detach', '--wait']);
let said;
try {
  said = camofleet(['verify', '--duration', DURATION, '--modes', 'still', '--out', 'runs']);
} finally {
  camofleet(['down']);
}

const run = join(dir, 'runs', 'latest');
const report = JSON.parse(readFileSync(join(run, 'report.json'), 'utf8'));
const texts = FILES.map((name) => readFileSync(join(run, name), 'latin1'));
const leaks = texts.flatMap((text, index) =>
  leaksIn(text, [dir, ...ownName()]).map((leak) => `${FILES[index]}: ${leak}`),
);
if (report.verdict !== 'pass') stop('verifying', report.summary, 'Only a run that passed is kept: run it again.');
if (leaks.length > 0)
  stop('looking for secrets', leaks.join('\n'), 'Nothing was kept. This is a fault of the redaction.');
const bytes = texts.reduce((sum, text) => sum + text.length, 0);
if (bytes > MAX_BYTES)
  stop('weighing', `${bytes} bytes, at most ${MAX_BYTES}`, 'Run it again on a machine that is less busy.');

mkdirSync(folder, { recursive: true });
for (const name of FILES) {
  copyFileSync(join(run, name), join(folder, name));
  chmodSync(join(folder, name), 0o644);
}
const { version: camofleetVersion } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const page = artifactsPage({
  folder,
  report,
  said,
  ports: {
    viewer: topology.getIn(['public', 'port']),
    gateway: topology.getIn(['gateway', 'port']),
    rfb: `${topology.getIn(['runner', 'rfbPorts', 'min'])}-${topology.getIn(['runner', 'rfbPorts', 'max'])}`,
  },
  versions: {
    camofleet: camofleetVersion,
    Traefik: /Version:\s+(\S+)/.exec(execFileSync('traefik', ['version'], { encoding: 'utf8' }))?.[1],
    x11vnc: /x11vnc: (\S+)/.exec(spawnSync('x11vnc', ['-version'], { encoding: 'utf8' }).stdout)?.[1],
  },
});
writeFileSync(join(folder, 'README.md'), page);
for (const name of [...FILES, 'README.md']) process.stdout.write(`artifacts/novnc/${name}\n`);

/** The name of this machine, unless it is one that any text may hold. */
function ownName() {
  return [hostname()].filter(
    (name) => name.length > 3 && !/^(localhost|camofleet|traefik|gateway|runner|control)$/.test(name),
  );
}

/** Runs the command line in the fleet's folder; its standard output, or the end of this script. */
function camofleet(args) {
  const result = spawnSync(node, [join(root, 'bin', 'run.js'), ...args], {
    cwd: dir,
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1', COLUMNS: '110' },
  });
  if (result.status !== 0) {
    if (args[0] !== 'down') spawnSync(node, [join(root, 'bin', 'run.js'), 'down'], { cwd: dir });
    stop(`camofleet ${args.join(' ')}`, `${result.stdout}${result.stderr}`, 'The lines above say why.');
  }
  return result.stdout;
}

async function freeShift() {
  for (const shift of SHIFTS) {
    const free = await Promise.all(PORTS.map((port) => isFree(port + shift)));
    if (free.every(Boolean)) return shift;
  }
  return stop('finding free ports', '', 'Free the port 8443 and its like.');
}

function isFree(port) {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ host: '127.0.0.1', port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}
