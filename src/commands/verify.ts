import { access, mkdir, writeFile } from 'node:fs/promises';
import { dirname, relative, resolve } from 'node:path';
import { Flags, type Interfaces } from '@oclif/core';
import {
  CamofleetCommand,
  type VerifyTalk,
  certificates,
  choices,
  durationMs,
  engineFlag,
  fileText,
  fleetFlags,
  fleetLocation,
  header,
  healthUrl,
  hostPort,
  pageUrl,
  resolution,
  socketUrl,
  verifyTalk,
} from '../cli/index.js';
import { CamofleetError, EXIT, type ExitCode, errorText, randomId, worstExit } from '../core/index.js';
import type { FleetEvidence, VerifyDeps, VerifyOptions } from '../diagnostics/index.js';
import type { HoldProgress } from '../report/index.js';

export default class Verify extends CamofleetCommand {
  static override summary =
    'Prove that the picture travels through every hop, for seconds or hours; name the hop when it does not.';
  static override description =
    `Without a URL it looks at the fleet of this folder: it makes a session of its own with a still screen and one that
moves, probes every hop, holds streams at the public URL, at the gateway and as raw RFB, collects logs and packets, and
removes what it made. With --url it looks at any noVNC deployment from outside; the more it is given, the more it can prove.

Exit codes, the same in every output format: 0 ok · 1 a check failed · 2 usage · 3 could not run the check · 4 refused ·
5 warnings with --strict · 99 a budget was crossed · 130 interrupted (the evidence is written all the same). When several
apply: 130 > 2 > 1 > 4 > 3 > 99 > 5 > 0.

A budget is a file, YAML or JSON, with limits in milliseconds: firstFrameMs, pingP50Ms, pingP99Ms, longestSilenceMs.`;
  static override examples = [
    '<%= config.bin %> verify',
    '<%= config.bin %> verify --duration 1h',
    '<%= config.bin %> verify --duration 30s --budget budget.yaml --junit junit.xml --quiet',
    "<%= config.bin %> verify --url 'wss://host/websockify?token=abc'",
    "<%= config.bin %> verify --url 'wss://host/websockify?token=abc' --find-idle --duration 5m",
    "<%= config.bin %> verify --url 'wss://host/websockify?token=abc' --gateway ws://10.0.0.5:6900/websockify?token=abc --rfb 10.0.0.7:5901",
  ];
  static override flags = {
    ...fleetFlags,
    ...engineFlag,
    duration: Flags.string({
      summary: 'Length of the hold: 30s, 5m, 1h; 0s for the probes alone (default 10s, with --find-idle 130s).',
    }),
    egress: Flags.string({
      summary: 'A site, HOST:PORT, that the browser beside --rfb must reach: does it, by TCP and QUIC?',
    }),
    heartbeat: Flags.string({ summary: 'How often the gateway is set to ping, such as 20s: do the pings come?' }),
    'find-idle': Flags.boolean({
      summary: 'Measure after how long each hop cuts, with every kind of traffic; --duration bounds the search.',
    }),
    session: Flags.string({ summary: 'This session instead of own ones.', exclusive: ['url', 'gateway', 'rfb'] }),
    url: Flags.url({ summary: 'The public socket, ws:// or wss://.' }),
    page: Flags.url({ summary: 'The public viewer page.', dependsOn: ['url'] }),
    frame: Flags.url({
      summary: 'The page that shows the viewer page in a frame, such as a wall.',
      dependsOn: ['page'],
    }),
    gateway: Flags.url({ summary: 'The socket at the gateway itself.' }),
    rfb: Flags.string({ summary: 'The RFB server itself, HOST:PORT.' }),
    control: Flags.url({ summary: 'The API of the control plane.' }),
    health: Flags.url({
      multiple: true,
      summary:
        'A health check that you rely on, http, https or tcp://HOST:PORT: is it red when no picture can be seen?',
    }),
    modes: Flags.string({ default: 'still,moving,watch-only', summary: 'Which streams to hold at once.' }),
    'traefik-log': Flags.string({ summary: "Traefik's access log; its own log may be in the same file." }),
    'gateway-log': Flags.string({ summary: "The gateway's log." }),
    'runner-log': Flags.string({ summary: "The runner's log." }),
    'control-log': Flags.string({ summary: "The control plane's log." }),
    logs: Flags.string({
      multiple: true,
      summary:
        'A log of any other proxy of the path: nginx (access or error log), HAProxy, another Traefik; may be repeated.',
    }),
    pcap: Flags.string({
      multiple: true,
      summary: 'A capture to read instead of recording one; again for each file of a ring, or for another place.',
    }),
    capture: Flags.string({
      default: 'auto',
      summary: 'auto, off, or where to record packets: eth0,netns:NAME,pid:PID/eth0,container:NAME.',
    }),
    ca: Flags.string({ summary: 'PEM file of an authority to trust.' }),
    insecure: Flags.boolean({ summary: 'Go on when the certificate is not trusted; it is still reported.' }),
    resolve: Flags.string({ multiple: true, summary: 'HOST:PORT:ADDR, dial ADDR for that name.' }),
    header: Flags.string({ multiple: true, summary: "'Name: value', sent with the upgrade." }),
    origin: Flags.string({ summary: 'Origin of the upgrade (default: that of the page or of the URL).' }),
    'password-file': Flags.string({ summary: 'File with the RFB password, where the viewer is asked for one.' }),
    screenshot: Flags.boolean({ summary: 'Keep the picture of a session that verify did not make.' }),
    out: Flags.string({ default: 'artifacts', summary: 'Folder that runs go to; `latest` points to the last one.' }),
    json: Flags.boolean({ summary: 'Print report.json on stdout.' }),
    junit: Flags.string({ summary: 'Write the JUnit report to this file as well.' }),
    strict: Flags.boolean({ summary: 'Exit 5 on warnings.' }),
    budget: Flags.string({ summary: 'File with limits in milliseconds; exit 99 when one is crossed.' }),
    quiet: Flags.boolean({ char: 'q', summary: 'Print the verdict alone, and what is wrong.' }),
    verbose: Flags.boolean({ char: 'v', summary: 'Print every check.', exclusive: ['quiet'] }),
    'no-color': Flags.boolean({ summary: 'No colours (NO_COLOR does the same).' }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(Verify);
    const [{ verify }, { printable, renderHopTable, renderJUnit, renderProgress }] = await Promise.all([
      import('../diagnostics/index.js'),
      import('../report/index.js'),
    ]);
    const { env } = this.context;
    const isGiven = [flags.url, flags.gateway, flags.rfb].some((flag) => flag !== undefined);
    const { root, file } = fleetLocation(flags, this.context.cwd);
    const options = await this.#options(flags, isGiven ? this.context.cwd : root);
    await using scope = new AsyncDisposableStack();
    const fleet = isGiven ? undefined : await this.#fleet(root, file, flags, scope);
    const observer =
      flags.quiet || flags.json
        ? SILENT
        : verifyTalk<HoldProgress>(process.stderr, this.signal, { printable, renderProgress });
    const { report, dir } = await verify(options, {
      version: this.config.version,
      fleet,
      now: () => Date.now(),
      monotonic: () => performance.now(),
      suffix: randomId(3)
        .toLowerCase()
        .replaceAll(/[^a-z0-9]/g, '0'),
      isRoot: this.context.isRoot,
      env,
      signal: this.signal,
      observer,
    });
    observer.end();
    const isTerminal = process.stdout.isTTY;
    await print(
      flags.json
        ? `${JSON.stringify(report, null, 2)}\n`
        : renderHopTable(report, {
            columns: isTerminal ? process.stdout.columns : PLAIN_COLUMNS,
            colour: isTerminal && !flags['no-color'] && !env['NO_COLOR'],
            verbose: flags.verbose,
            quiet: flags.quiet,
            dir: `${relative(this.context.cwd, dir) || dir}/`,
          }),
    );
    const written = flags.junit === undefined || (await this.#writeJUnit(flags.junit, renderJUnit(report)));
    await scope.disposeAsync();
    const codes = [report.exitCode as ExitCode, ...(written ? [] : [EXIT.couldNotRun])];
    process.exit(worstExit(codes)); // sockets of libraries that linger must not hold the verdict back
  }

  async #options(flags: VerifyFlags, base: string): Promise<VerifyOptions> {
    const { MODES, parseBudget } = await import('../diagnostics/index.js');
    const { cwd } = this.context;
    const budget = await fileText(flags.budget, '--budget');
    return {
      durationMs: holdMs(flags),
      findIdle: flags['find-idle'],
      egress: flags.egress === undefined ? undefined : hostPort(flags.egress, '--egress'),
      heartbeatMs: flags.heartbeat === undefined ? undefined : durationMs(flags.heartbeat, '--heartbeat'),
      modes: choices(flags.modes, MODES, '--modes'),
      session: flags.session,
      url: socketUrl(flags.url, '--url'),
      page: pageUrl(flags.page, '--page'),
      frame: pageUrl(flags.frame, '--frame'),
      gateway: socketUrl(flags.gateway, '--gateway'),
      rfb: flags.rfb === undefined ? undefined : hostPort(flags.rfb, '--rfb'),
      control: pageUrl(flags.control, '--control'),
      health: (flags.health ?? []).map((url) => healthUrl(url, '--health')),
      password: (await fileText(flags['password-file'], '--password-file'))?.replace(/\r?\n$/, ''),
      origin: flags.origin,
      headers: Object.fromEntries((flags.header ?? []).map((text) => header(text, '--header'))),
      ca: await certificates(flags.ca, '--ca'),
      insecure: flags.insecure,
      resolve: new Map((flags.resolve ?? []).map((text) => resolution(text, '--resolve'))),
      capture: flags.capture,
      logs: {
        traefik: flags['traefik-log'],
        gateway: flags['gateway-log'],
        runner: flags['runner-log'],
        control: flags['control-log'],
        proxies: flags.logs ?? [],
      },
      pcap: flags.pcap ?? [],
      budget: budget === undefined ? {} : parseBudget(budget, flags.budget!),
      strict: flags.strict,
      screenshot: flags.screenshot,
      out: resolve(flags.out === 'artifacts' ? base : cwd, flags.out),
    };
  }

  /** The fleet of the folder. Where the API is given, it may be missing. */
  async #fleet(
    root: string,
    file: string | undefined,
    { control, engine: named }: VerifyFlags,
    scope: AsyncDisposableStack,
  ): Promise<VerifyDeps['fleet']> {
    const [{ fleetPaths, loadTopology }, { openEngine }] = await Promise.all([
      import('../topology/index.js'),
      import('../engine/index.js'),
    ]);
    const paths = fleetPaths(root, file);
    const isThere = await access(paths.topologyFile).then(
      () => true,
      () => false, // said below
    );
    if (isThere) {
      const topology = await loadTopology(paths.topologyFile);
      const engine = await openEngine(named, { paths, self: this.context, version: this.config.version });
      const evidence = await engine.evidence().catch((error: unknown) => {
        if (!(error instanceof CamofleetError)) throw error;
        this.say(`no logs, packets and states of containers: ${error.message}\n  → ${error.hint}`);
        return undefined;
      });
      return { topology, paths, evidence: evidence ? scope.use(evidence) : OUTSIDE_ALONE };
    }
    if (control !== undefined) return undefined;
    const message = `no camofleet.yaml in ${root}, and no --url, --gateway, --rfb or --control was given`;
    throw new CamofleetError('CF_TOPOLOGY_MISSING', message);
  }

  async #writeJUnit(file: string, xml: string): Promise<boolean> {
    const path = resolve(this.context.cwd, file);
    try {
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, xml);
      return true;
    } catch (error) {
      this.say(
        `error  --junit ${file} cannot be written: ${errorText(error)}; junit.xml lies in the folder of the run`,
      );
      return false;
    }
  }
}

/** Behind the timers that are met most: 60 s of nginx, 100 s of CDNs, 120 s of gateways. */
const SEARCH = '130s';

function holdMs(flags: VerifyFlags): number {
  const ms = durationMs(flags.duration ?? (flags['find-idle'] ? SEARCH : '10s'), '--duration');
  if (ms > 0 || !flags['find-idle']) return ms;
  throw new CamofleetError('CF_USAGE', '--find-idle holds streams: wanted a --duration above 0s, got 0s');
}

/** What is left where nobody tells of the containers: the dials from outside. */
const OUTSIDE_ALONE: FleetEvidence = {
  logs: {},
  gateway: undefined,
  reachesRunners: false,
  capture: 'auto',
  settled: async () => {},
  services: async () => [],
};

type VerifyFlags = Interfaces.InferredFlags<typeof Verify.flags>;
const PLAIN_COLUMNS = 120;

const SILENT: VerifyTalk<HoldProgress> = {
  onStage: () => {},
  onCheck: () => {},
  onTrouble: () => {},
  onHold: () => {},
  end: () => {},
};

/** Resolves when all of it was taken: what comes next ends the process. */
function print(text: string): Promise<void> {
  return new Promise((done) => {
    process.stdout.write(text, () => done());
  });
}
