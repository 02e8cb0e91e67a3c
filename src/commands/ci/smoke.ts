import { appendFile } from 'node:fs/promises';
import { randomInt } from 'node:crypto';
import { tmpdir } from 'node:os';
import { relative, resolve } from 'node:path';
import { Flags, type Interfaces } from '@oclif/core';
import {
  CamofleetCommand,
  type CiTalk,
  type Progress,
  type VerifyTalk,
  choices,
  ciTalk,
  durationMs,
  engineFlag,
  fileText,
  fleetLocation,
  progressLine,
  startProgress,
  verifyTalk,
} from '../../cli/index.js';
import { EXIT, type ExitCode, errorText, randomId, worstExit } from '../../core/index.js';
import type { Step } from '../../engine/index.js';
import type { HoldProgress, Report, SmokeRecord, SmokeStep } from '../../report/index.js';
import type { SmokeObserver } from '../../smoke/index.js';

const PLAIN_COLUMNS = 120;

export default class CiSmoke extends CamofleetCommand {
  static override summary = 'Start a fleet from nothing, see its picture, verify it, keep the evidence, take it down.';
  static override description =
    `Without --dir a fleet is made for the run, on free ports, and thrown away. With the engine \`local\` nothing but Node is needed:
Traefik, Xvfb, x11vnc, browsers and tcpdump are used where they are installed. The fleet is taken down also when something
fails, and on Ctrl-C. In GitHub Actions parts of the log are folded, findings become annotations, and the job gets a
summary; in GitLab parts are folded.

The folder of the evidence: report.json, report.html, junit.xml, screenshot.png, logs and packets as verify leaves them;
smoke.json and junit-smoke.xml with the steps; logs/ with what the services wrote; doctor.json, where the fleet did not
come up. It is emptied first when it is of an
earlier run.

Exit codes: 0 ok · 1 a check failed, or no frame came · 2 usage · 3 the fleet did not come up, or the check could not be
run · 4 refused · 5 warnings with --strict · 99 a budget was crossed · 130 interrupted (the evidence is written all the same).`;
  static override examples = [
    '<%= config.bin %> ci smoke',
    '<%= config.bin %> ci smoke --engine compose --duration 1m --out evidence',
    '<%= config.bin %> ci smoke --dir deploy --strict    # the fleet of deploy/camofleet.yaml',
  ];
  static override flags = {
    dir: Flags.directory({
      char: 'C',
      summary: 'The fleet of this folder, instead of one that is thrown away.',
      exists: true,
    }),
    ...engineFlag,
    duration: Flags.string({ default: '10s', summary: 'Length of the hold: 30s, 5m, 1h; 0s for the probes alone.' }),
    out: Flags.string({ default: 'camofleet-smoke', summary: 'Folder of the evidence.' }),
    timeout: Flags.integer({
      default: 120,
      min: 1,
      max: 86_400,
      summary: 'Seconds that each service has to become ready, and that the frame has.',
    }),
    modes: Flags.string({ default: 'still,moving,watch-only', summary: 'Which streams to hold at once.' }),
    capture: Flags.string({ default: 'auto', summary: 'auto, off, or where to record packets, as for verify.' }),
    budget: Flags.string({ summary: 'File with limits in milliseconds; exit 99 when one is crossed.' }),
    strict: Flags.boolean({ summary: 'Exit 5 on warnings.' }),
    json: Flags.boolean({ summary: 'Print smoke.json on stdout.' }),
    'no-color': Flags.boolean({ summary: 'No colours (NO_COLOR does the same).' }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(CiSmoke);
    const [{ smoke }, reports] = await Promise.all([import('../../smoke/index.js'), import('../../report/index.js')]);
    const { cwd, env, execPath, entryPoint, pid, packageRoot, isRoot } = this.context;
    const options = await this.#options(flags);
    const ci = ciTalk(env, (text) => process.stderr.write(text), Date.now);
    const talk = new SmokeTalk(ci, verifyTalk<HoldProgress>(process.stderr, this.signal, reports), {
      say: (line) => this.say(line),
      progress: (names) => startProgress(names, { stream: process.stderr, env, monotonic: () => performance.now() }),
    });
    const { record, report, unwritten } = await smoke(options, {
      version: this.config.version,
      packageRoot,
      temporary: env['RUNNER_TEMP'] || tmpdir(),
      self: { execPath, entryPoint, pid },
      env,
      isRoot,
      platform: process.platform,
      now: () => Date.now(),
      monotonic: () => performance.now(),
      random: (below) => randomInt(below),
      suffix: randomId(3)
        .toLowerCase()
        .replaceAll(/[^a-z0-9]/g, '0'),
      signal: this.signal,
      observer: talk.observer,
    });
    ci.unfold();
    const dir = `${relative(cwd, options.out) || '.'}/`;
    const { stdout } = process;
    const look = {
      columns: stdout.isTTY ? stdout.columns : PLAIN_COLUMNS,
      colour: stdout.isTTY && !flags['no-color'] && !env['NO_COLOR'],
      dir,
    };
    await print(
      flags.json
        ? `${JSON.stringify(record, null, 2)}\n`
        : `\n${report ? `${reports.renderHopTable(report, { ...look, verbose: false })}\n` : ''}${reports.renderSmoke(record, look)}`,
    );
    annotate(ci, record, report);
    await this.#summarise(ci, reports.renderSmokeMarkdown(record, report));
    for (const what of unwritten) this.say(`error  cannot be written: ${what}`);
    const codes = [record.exitCode as ExitCode, ...(unwritten.length > 0 ? [EXIT.couldNotRun] : [])];
    process.exit(worstExit(codes)); // sockets of libraries that linger must not hold the verdict back
  }

  async #options(flags: SmokeFlags) {
    const [{ MODES, parseBudget }, { fleetPaths }] = await Promise.all([
      import('../../diagnostics/index.js'),
      import('../../topology/index.js'),
    ]);
    const { cwd } = this.context;
    const budget = await fileText(flags.budget, '--budget');
    return {
      engine: flags.engine,
      fleet: flags.dir === undefined ? undefined : fleetPaths(fleetLocation(flags, cwd).root),
      out: resolve(cwd, flags.out),
      timeoutMs: flags.timeout * 1_000,
      verify: {
        durationMs: durationMs(flags.duration, '--duration'),
        modes: choices(flags.modes, MODES, '--modes'),
        capture: flags.capture,
        budget: budget === undefined ? {} : parseBudget(budget, flags.budget!),
        strict: flags.strict,
      },
    };
  }

  async #summarise({ summaryFile }: CiTalk, text: string): Promise<void> {
    if (summaryFile === undefined) return;
    await appendFile(summaryFile, text).catch((error: unknown) =>
      this.say(`the summary of the job cannot be written: ${errorText(error)}`),
    );
  }
}

type SmokeFlags = Interfaces.InferredFlags<typeof CiSmoke.flags>;

/** What stands out beside the log: findings, or the step that failed before there could be any. */
function annotate(ci: CiTalk, { steps, isVerified }: SmokeRecord, report: Report | undefined): void {
  for (const { severity, code, hop, saw, remedy } of report?.findings ?? []) {
    if (severity === 'info') continue;
    const level = severity === 'fail' ? 'error' : 'warning';
    ci.annotate({ level, title: `${code} (${hop})`, message: `${saw}\nremedy: ${remedy}` });
  }
  for (const { name, title, verdict, saw, code, remedy } of steps) {
    if (verdict !== 'fail' || (name === 'verify' && isVerified)) continue;
    const message = remedy === undefined ? saw : `${saw}\nremedy: ${remedy}`;
    ci.annotate({ level: 'error', title: code ?? `not so: ${title}`, message });
  }
}

interface Voices {
  readonly say: (line: string) => void;
  readonly progress: (names: readonly string[]) => Promise<Progress>;
}

const FRAME = 'frame';

/** The run as it goes on: services and the frame in a list, then the words of verify, then the stops. */
class SmokeTalk {
  #services: readonly string[] = [];
  #list: Progress | undefined;

  constructor(
    private readonly ci: CiTalk,
    private readonly verify: VerifyTalk<HoldProgress>,
    private readonly voices: Voices,
  ) {}

  readonly observer: SmokeObserver = {
    onFleet: ({ root, isThrowaway, services }) => {
      this.#services = services;
      this.voices.say(`${isThrowaway ? 'a fleet that is thrown away' : 'the fleet'}, in ${root}`);
    },
    onService: (step) => this.#service(step),
    onFrameWait: (why, leftMs) => this.#list?.waiting(FRAME, `${left(leftMs)}: ${why}`),
    onBegin: (name) => this.#begin(name),
    onStep: (step) => this.#end(step),
    onStage: (text) => this.verify.onStage(text),
    onCheck: (check, named) => this.verify.onCheck(check, named),
    onTrouble: (what) => this.verify.onTrouble(what),
    onHold: (progress) => this.verify.onHold(progress),
  };

  async #begin(name: SmokeStep['name']): Promise<void> {
    if (name === 'up') {
      this.ci.fold('The fleet comes up');
      this.#list = await this.voices.progress([...this.#services, FRAME]);
      this.#list.waiting(FRAME, 'for all of them');
    }
    if (name === 'verify') this.ci.fold('It is verified');
    if (name === 'down') this.ci.fold('It goes down');
  }

  async #end({ name, verdict, saw }: SmokeStep): Promise<void> {
    if (name === FRAME && verdict === 'pass') this.#list?.done(FRAME, `${saw} at the public URL`);
    if (name === FRAME && verdict !== 'pass') this.#list?.failed(FRAME, saw);
    if (name === FRAME || (name === 'up' && verdict !== 'pass')) await this.#closeList();
    if (name === 'verify') this.verify.end();
  }

  async #closeList(): Promise<void> {
    const list = this.#list;
    this.#list = undefined;
    await list?.close();
  }

  #service(step: Step): void {
    const { service } = step;
    switch (step.state) {
      case 'queued':
        return this.#list?.waiting(service, `for ${step.after.join(' and ')}`);
      case 'waiting':
        return this.#list?.waiting(service, `${left(step.leftMs)}: ${step.because}`);
      case 'ready':
        return this.#list?.done(service, seconds(step.tookMs));
      case 'failed':
        return this.#list?.failed(service, step.because);
      case 'died':
        return this.voices.say(`  ${progressLine(service, 'died', step.because)}`);
      case 'stopped':
        return this.voices.say(`  ${progressLine(service, 'stopped', `${step.how}, ${seconds(step.tookMs)}`)}`);
    }
  }
}

function left(ms: number): string {
  return `${Math.ceil(ms / 1_000)} s left`;
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}

/** Resolves when all of it was taken: what comes next ends the process. */
function print(text: string): Promise<void> {
  return new Promise((done) => {
    process.stdout.write(text, () => done());
  });
}
