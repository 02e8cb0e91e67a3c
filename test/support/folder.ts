import { lstatSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type CliResult, runCli } from './fleet.ts';

/** An empty folder in which the command line is run; gone with the scope. */
export interface CliFolder extends Disposable {
  readonly dir: string;
  cli(args: readonly string[], env?: Readonly<Record<string, string>>): Promise<CliResult>;
  read(path: string): string;
  write(path: string, text: string): void;
  /** Every file below with its permissions, its time and its content: what has not changed is equal. */
  contents(): Readonly<Record<string, string>>;
}

export function cliFolder(): CliFolder {
  const dir = mkdtempSync(join(tmpdir(), 'camofleet-cli-'));
  return {
    dir,
    cli: (args, env) => runCli(args, { cwd: dir, ...(env && { env }) }),
    read: (path) => readFileSync(join(dir, path), 'utf8'),
    write: (path, text) => {
      mkdirSync(dirname(join(dir, path)), { recursive: true });
      writeFileSync(join(dir, path), text);
    },
    contents: () => Object.fromEntries(filesBelow(dir).map((path) => [path, described(join(dir, path))])),
    [Symbol.dispose]: () => rmSync(dir, { recursive: true, force: true }),
  };
}

function filesBelow(dir: string): string[] {
  return readdirSync(dir, { recursive: true, encoding: 'utf8' }).toSorted();
}

function described(file: string): string {
  const { mode, mtimeMs } = lstatSync(file);
  const isFolder = lstatSync(file).isDirectory();
  return `${(mode & 0o777).toString(8)} ${isFolder ? 'folder' : `${mtimeMs} ${readFileSync(file, 'utf8')}`}`;
}
