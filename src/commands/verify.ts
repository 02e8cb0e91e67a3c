import { access, readFile } from 'node:fs/promises';
import { relative, resolve } from 'node:path';
import { Flags } from '@oclif/core';
import { CamofleetCommand, fleetFlags, fleetLocation } from '../cli/index.js';
import { CamofleetError, randomId } from '../core/index.js';
import type { VerifyObserver, VerifyOptions } from '../diagnostics/index.js';

export default class Verify extends CamofleetCommand {
  static override summary =
    'Prove that the picture travels through every hop, for seconds or hours; name the hop when it does not.';
  static override description =
    `Without a URL it looks at the fleet of this folder: it makes a session of its own with a still screen and one that
moves, probes every hop, holds streams at the public URL, at the gateway and as raw RFB, collects logs and packets, and
removes what it made. With --url it looks at any noVNC deployment from outside; the more it is given, the more it can prove.

Exit codes, the same in every output format: 0 ok · 1 a check failed · 2 usage · 3 could not run the check · 4 refused ·
5 warnings with --strict · 99 a budget was crossed · 130 interrupted (the evidence is written all the same).`;
  static override examples = [
    '<%= config.bin %> verify',
    '<%= config.bin %> verify --duration 1h',
    "<%= config.bin %> verify --url 'wss://host/websockify?token=abc'",
    "<%= config.bin %> verify --url 'wss://host/websockify?token=abc' --gateway ws://10.0.0.5:6900/websockify?token=abc --rfb 10.0.0.7:5901",
  ];
  static override flags = {
    ...fleetFlags,
    duration: Flags.string({ default: '10s', summary: 'Length of the hold: 30s, 5m, 1h; 0s for the probes alone.' }),
    session: Flags.string({ summary: 'This session instead of own ones.' }),
    url: Flags.url({ summary: 'The public socket, ws:// or wss://.' }),
    page: Flags.url({ summary: 'The public viewer page.' }),
    gateway: Flags.url({ summary: 'The socket at the gateway itself.' }),
    rfb: Flags.string({ summary: 'The RFB server itself, HOST:PORT.' }),
    control: Flags.url({ summary: 'The API of the control plane.' }),
    modes: Flags.string({ default: 'still,moving,watch-only', summary: 'Which streams to hold at once.' }),
    'traefik-log': Flags.string({ summary: "Traefik's access log." }),
    'gateway-log': Flags.string({ summary: "The gateway's log." }),
    'runner-log': Flags.string({ summary: "The runner's log." }),
    pcap: Flags.string({ summary: 'A capture to read instead of recording one.' }),
    capture: Flags.string({ default: 'auto', summary: 'auto, off, or the interface to record packets on.' }),
    ca: Flags.string({ summary: 'PEM file of an authority to trust.' }),
    insecure: Flags.boolean({ summary: 'Go on when the certificate is not trusted; it is still reported.' }),
    resolve: Flags.string({ multiple: true, summary: 'HOST:PORT:ADDR, dial ADDR for that name.' }),
    header: Flags.string({ multiple: true, summary: "'Name: value', sent with the upgrade." }),
    origin: Flags.string({ summary: 'Origin of the upgrade (default: that of the page or of the URL).' }),
    'password-file': Flags.string({ summary: 'File with the RFB password, for --rfb.' }),
    screenshot: Flags.boolean({ summary: 'Keep the picture of a session that verify did not make.' }),
    out: Flags.string({ default: 'artifacts', summary: 'Folder that runs go to; `latest` points to the last one.' }),
    json: Flags.boolean({ summary: 'Print report.json on stdout.' }),
    junit: Flags.string({ summary: 'Write the JUnit report to this file as well.' }),
    strict: Flags.boolean({ summary: 'Exit 5 on warnings.' }),
    quiet: Flags.boolean({ char: 'q', summary: 'Print the result alone.' }),
    verbose: Flags.boolean({ char: 'v', summary: 'Print every check.' }),
    'no-color': Flags.boolean({ summary: 'No colours (NO_COLOR does the same).' }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(Verify);
    const [{ MODES, verify }, { renderHopTable, renderJUnit }] = await Promise.all([
      import('../diagnostics/index.js'),
      import('../report/index.js'),
    ]);
    const { cwd, env } = this.context;
    const { root, file } = fleetLocation(flags, cwd);
    const given = flags.url ?? flags.gateway ?? flags.rfb;
    const options: VerifyOptions = {
      durationMs: parseDuration(flags.duration),
      modes: flags.modes
        .split(',')
        .map(
          (mode) =>
            MODES.find((known) => known === mode) ??
            usage(`--modes takes ${MODES.join(', ')}, not ${JSON.stringify(mode)}`),
        ),
      session: flags.session,
      url: socketUrl(flags.url, '--url'),
      page: flags.page,
      gateway: socketUrl(flags.gateway, '--gateway'),
      rfb: flags.rfb === undefined ? undefined : parseHostPort(flags.rfb),
      control: flags.control,
      password: flags['password-file'] === undefined ? undefined : (await read(flags['password-file'])).trim(),
      origin: flags.origin,
      headers: Object.fromEntries((flags.header ?? []).map(parseHeader)),
      ca: flags.ca === undefined ? undefined : await read(flags.ca),
      insecure: flags.insecure,
      resolve: new Map((flags.resolve ?? []).map(parseResolve)),
      capture: flags.capture,
      logs: { traefik: flags['traefik-log'], gateway: flags['gateway-log'], runner: flags['runner-log'] },
      pcap: flags.pcap,
      strict: flags.strict,
      screenshot: flags.screenshot,
      out: resolve(given ? cwd : root, flags.out),
    };
    const fleet = given ? undefined : await this.#fleet(root, file);
    const { report, dir } = await verify(options, {
      version: this.config.version,
      fleet,
      now: () => Date.now(),
      monotonic: () => performance.now(),
      suffix: randomId(3)
        .toLowerCase()
        .replaceAll(/[^a-z0-9]/g, '0'),
      isRoot: process.getuid?.() === 0,
      env,
      signal: this.signal,
      observer: flags.quiet || flags.json ? SILENT : this.#observer(),
    });
    const colour = process.stdout.isTTY && !flags['no-color'] && !env['NO_COLOR'];
    const columns = process.stdout.isTTY ? process.stdout.columns : 120;
    if (flags.json) process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
    else
      process.stdout.write(
        renderHopTable(report, { columns, colour, verbose: flags.verbose, dir: `${relative(cwd, dir) || dir}/` }),
      );
    if (flags.junit !== undefined) {
      const { writeFile } = await import('node:fs/promises');
      await writeFile(resolve(cwd, flags.junit), renderJUnit(report));
    }
    process.exit(report.exitCode); // sockets of libraries that linger must not hold the verdict back
  }

  async #fleet(
    root: string,
    file: string | undefined,
  ): Promise<Parameters<typeof import('../diagnostics/index.js').verify>[1]['fleet']> {
    const { fleetPaths, loadTopology } = await import('../topology/index.js');
    const paths = fleetPaths(root, file);
    const isThere = await access(paths.topologyFile).then(
      () => true,
      () => false,
    ); // said below
    if (!isThere)
      throw new CamofleetError(
        'CF_TOPOLOGY_MISSING',
        `no camofleet.yaml in ${root}, and no --url, --gateway or --rfb was given`,
      );
    return { topology: await loadTopology(paths.topologyFile), paths };
  }

  /** On a terminal one line that changes; elsewhere one plain line a minute. */
  #observer(): VerifyObserver {
    const live = process.stderr.isTTY;
    let lastMinute = 0;
    const clear = live ? '\r\u001B[K' : '';
    return {
      onStage: (text) => process.stderr.write(live ? `${clear}${text} …` : `${text} …\n`),
      onCheck: ({ verdict, title, saw, because }) => {
        if (verdict === 'fail' || verdict === 'warn' || verdict === 'unknown')
          process.stderr.write(`${clear}${verdict}: ${title}: ${saw ?? because ?? ''}\n`);
      },
      onHold: ({ elapsedMs, durationMs, open, streams, frames, longestSilenceMs }) => {
        const seconds = (value: number): string => `${Math.round(value / 1000)} s`;
        const text = `holding ${seconds(elapsedMs)} of ${seconds(durationMs)}, ${open} of ${streams} streams, ${frames} frames, longest silence ${seconds(longestSilenceMs)}`;
        const minute = Math.floor(elapsedMs / 60_000);
        if (live) process.stderr.write(elapsedMs >= durationMs ? clear : `${clear}${text}`);
        else if (minute > lastMinute) process.stderr.write(`${text}\n`);
        lastMinute = minute;
      },
    };
  }
}

const SILENT: VerifyObserver = { onStage: () => {}, onCheck: () => {}, onHold: () => {} };

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, '': 1_000 };

function parseDuration(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|)$/.exec(text);
  if (!match) usage(`--duration takes 30s, 5m or 1h, not ${JSON.stringify(text)}`);
  return Number(match[1]) * UNITS[match[2] ?? '']!;
}

function socketUrl(url: URL | undefined, flag: string): URL | undefined {
  if (url && url.protocol !== 'ws:' && url.protocol !== 'wss:')
    usage(`${flag} takes a ws:// or wss:// URL, not ${url.protocol}//`);
  return url;
}

function parseHostPort(text: string): { host: string; port: number } {
  const match = /^(.+):(\d+)$/.exec(text);
  if (!match) usage(`--rfb takes HOST:PORT, not ${JSON.stringify(text)}`);
  return { host: match[1]!.replace(/^\[|\]$/g, ''), port: Number(match[2]) };
}

function parseHeader(text: string): [string, string] {
  const at = text.indexOf(':');
  if (at < 1) usage(`--header takes 'Name: value', not ${JSON.stringify(text)}`);
  return [text.slice(0, at).trim().toLowerCase(), text.slice(at + 1).trim()];
}

function parseResolve(text: string): [string, string] {
  const match = /^([^:]+:\d+):(.+)$/.exec(text);
  if (!match) usage(`--resolve takes HOST:PORT:ADDR, not ${JSON.stringify(text)}`);
  return [match[1]!, match[2]!];
}

async function read(file: string): Promise<string> {
  return readFile(file, 'utf8').catch((cause: unknown) => usage(`${file} cannot be read: ${String(cause)}`));
}

function usage(message: string): never {
  throw new CamofleetError('CF_USAGE', message);
}
