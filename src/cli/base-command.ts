import { Command } from '@oclif/core';
import { CamofleetError, EXIT, errorText, redactText } from '../core/index.js';
import { type ProcessContext, processContext } from './context.js';

/**
 * What every command shares: one abort signal for Ctrl-C and SIGTERM, errors that name their code and the next step,
 * and `--json` in which errors are JSON too. stdout carries data, stderr carries talk.
 */
export abstract class CamofleetCommand extends Command {
  static override enableJsonFlag = false;

  /** Aborted by SIGINT or SIGTERM (reason: the signal's name). A second signal ends the process at once. */
  protected readonly signal: AbortSignal = interruption();

  protected get context(): ProcessContext {
    return processContext();
  }

  /** Talk, for people: stderr. */
  protected say(line: string): void {
    process.stderr.write(`${line}\n`);
  }

  protected override async catch(error: Error & { exitCode?: number }): Promise<unknown> {
    if (isExit(error)) throw error;
    if (error instanceof CamofleetError)
      return this.#report(error.code, error.message, error.hint, error.exit, error.facts);
    if (isUsage(error))
      return this.#report(
        'CF_USAGE',
        error.message.split('\nSee more help')[0]!,
        `See \`camofleet ${this.id?.replaceAll(':', ' ')} --help\`.`,
        EXIT.usage,
        {},
      );
    if (this.signal.aborted) return this.catch(this.signal.reason as CamofleetError);
    return this.#report(
      'BUG',
      error.stack ?? error.message,
      'This is a bug in camofleet; please report it with the lines above.',
      EXIT.couldNotRun,
      {},
    );
  }

  #report(code: string, message: string, hint: string, exit: number, facts: object): undefined {
    const text = redactText(message).text;
    if (this.argv.includes('--json'))
      process.stdout.write(`${JSON.stringify({ error: { code, message: text, hint, facts } })}\n`);
    process.stderr.write(`error  ${code}\n  ${text.replaceAll('\n', '\n  ')}\n  → ${hint}\n`);
    process.exitCode = this.signal.aborted ? EXIT.interrupted : exit;
    return undefined;
  }
}

let shared: AbortController | undefined;

/** One controller a process: installing the handlers twice would make the first Ctrl-C count as the second. */
function interruption(): AbortSignal {
  if (shared) return shared.signal;
  const controller = new AbortController();
  shared = controller;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (controller.signal.aborted) process.exit(EXIT.interrupted);
      controller.abort(new CamofleetError('CF_INTERRUPTED', `interrupted by ${signal}`));
    });
  }
  process.stdout.removeAllListeners('error'); // the framework's throws what a full disk says
  for (const stream of [process.stdout, process.stderr]) stream.on('error', unwritable);
  return controller.signal;
}

/** A reader that has left, or a terminal that was closed, wants nothing more; everything else is data that is lost. */
function unwritable(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE' || error.code === 'EIO') return;
  process.stderr.write(`error  output cannot be written: ${errorText(error)}\n`);
  process.exitCode = EXIT.couldNotRun;
}

function isExit(error: Error): boolean {
  return 'code' in error && error.code === 'EEXIT';
}

/** oclif's own parse errors: unknown flag, missing argument, bad value, a file or folder that is not there. */
function isUsage(error: Error): boolean {
  if (error.message.startsWith('Parsing --')) return true;
  return 'parse' in error || ('oclif' in error && (error.oclif as { exit?: number } | undefined)?.exit === 2);
}
