import { fileURLToPath } from 'node:url';

/** What libraries need to know of this process, passed in. */
export interface ProcessContext {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly pid: number;
  /** The Node binary that runs us, for starting ourselves again. */
  readonly execPath: string;
  /** Absolute path of bin/run.js. */
  readonly entryPoint: string;
  /** Root of the installed package: templates/, dist/ui/, docs/codes/ lie below it. */
  readonly packageRoot: string;
  /** Whether we may do what only root may: captures, namespaces. */
  readonly isRoot: boolean;
}

export function processContext(): ProcessContext {
  const packageRoot = fileURLToPath(new URL('../../', import.meta.url));
  return {
    cwd: process.cwd(),
    env: process.env,
    pid: process.pid,
    execPath: process.execPath,
    entryPoint: fileURLToPath(new URL('../../bin/run.js', import.meta.url)),
    packageRoot,
    isRoot: process.getuid?.() === 0,
  };
}
