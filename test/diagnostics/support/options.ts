import type { VerifyOptions } from '../../../src/diagnostics/options.ts';

/** Of a short run that is given nothing to look at, and writes into a folder. */
export function optionsFor(out: string): VerifyOptions {
  return {
    durationMs: 700,
    findIdle: false,
    modes: ['still'],
    session: undefined,
    url: undefined,
    page: undefined,
    frame: undefined,
    gateway: undefined,
    rfb: undefined,
    control: undefined,
    health: [],
    password: undefined,
    origin: undefined,
    headers: {},
    ca: undefined,
    insecure: false,
    resolve: new Map(),
    capture: 'off',
    logs: { traefik: undefined, gateway: undefined, runner: undefined },
    pcap: [],
    budget: {},
    strict: false,
    screenshot: false,
    out,
  };
}
