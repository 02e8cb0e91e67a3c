import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CamofleetError, errorText, redactText } from '../core/index.js';
import { type DoctorReport, type Report, type SmokeRecord, renderHtml, renderJUnit } from '../report/index.js';
import { reportOfSteps } from './record.js';

/** The folder that a smoke test leaves behind: what verify left, the logs of the services, and the record of the steps. */
export interface EvidenceFolder {
  readonly dir: string;
  /** Where verify puts its run meanwhile. */
  readonly runs: string;
  /** Takes the files of a run of verify as they are: their sums are in its report. */
  adopt(runDir: string): Promise<void>;
  /** Keeps lines of a log, with secrets taken out. */
  keepLog(name: string, lines: readonly string[]): Promise<void>;
  /** Keeps what the doctor says of the host, as doctor.json. */
  keepHost(report: DoctorReport): Promise<void>;
  /**
   * Last: smoke.json, junit-smoke.xml, and a report of the steps where verify never came. Gives what could not be written, also
   * before, and why.
   */
  finish(run: string, record: SmokeRecord): Promise<readonly string[]>;
}

const RECORD = 'smoke.json';
const RUNS = '.runs';

/**
 * Empties the folder of an earlier smoke test, or makes it. Throws CF_USAGE where something else lies in it: that would be
 * taken for evidence, or lost.
 */
export async function openFolder(dir: string): Promise<EvidenceFolder> {
  const names = await readdir(dir).catch((error: NodeJS.ErrnoException): string[] => {
    if (error.code === 'ENOENT') return [];
    throw new CamofleetError('CF_FILES', `${dir}: ${error.message}`, {}, { cause: error });
  });
  if (names.length > 0 && !names.includes(RECORD))
    throw new CamofleetError('CF_USAGE', `--out ${dir} holds other files; name an empty folder`);
  for (const name of names) await rm(join(dir, name), { recursive: true, force: true });
  await mkdir(join(dir, RUNS), { recursive: true });
  // From now on the folder is known as ours, also when nothing more comes to be written.
  await writeFile(join(dir, RECORD), '{}\n');
  return new Folder(dir);
}

class Folder implements EvidenceFolder {
  readonly #unwritten: string[] = [];

  constructor(readonly dir: string) {}

  get runs(): string {
    return join(this.dir, RUNS);
  }

  async adopt(runDir: string): Promise<void> {
    for (const name of await readdir(runDir)) await rename(join(runDir, name), join(this.dir, name));
  }

  async keepLog(name: string, lines: readonly string[]): Promise<void> {
    await mkdir(join(this.dir, 'logs'), { recursive: true }).catch(() => {}); // the write says it
    await this.#write(join('logs', `${name}.log`), `${lines.join('\n')}\n`);
  }

  keepHost(report: DoctorReport): Promise<void> {
    return this.#write('doctor.json', `${JSON.stringify(report, null, 2)}\n`);
  }

  async finish(run: string, record: SmokeRecord): Promise<readonly string[]> {
    await rm(this.runs, { recursive: true, force: true });
    const report = reportOfSteps(run, record);
    await this.#write('junit-smoke.xml', renderJUnit(report, 'camofleet ci smoke'));
    if (!record.isVerified) await this.#writeReport(report);
    await this.#write(RECORD, `${JSON.stringify(record, null, 2)}\n`);
    return this.#unwritten;
  }

  async #writeReport(report: Report): Promise<void> {
    await this.#write('report.html', renderHtml(report));
    await this.#write('report.json', `${JSON.stringify(report, null, 2)}\n`);
  }

  async #write(name: string, text: string): Promise<void> {
    await writeFile(join(this.dir, name), redactText(text).text).catch((error: unknown) => {
      this.#unwritten.push(`${name}: ${errorText(error)}`);
    });
  }
}
