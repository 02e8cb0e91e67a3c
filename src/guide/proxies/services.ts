import type { GuideSubject } from '../subject.js';

/** What every proxy needs to know: where it listens, where the two services are, and the files that it uses. */
export interface Site {
  readonly host: string;
  /** Empty: every address. */
  readonly bind: string;
  readonly port: number;
  readonly gateway: string;
  readonly control: string;
  readonly certificate: string;
  readonly key: string;
  readonly accessLog: string;
}

/** The fleet as one proxy sees it. */
export function siteOf({ topology, placement, accessLog }: GuideSubject, program: string): Site {
  const { host, port } = topology.public;
  const { address, certificate, key } = placement.ingress;
  return {
    host,
    bind: address.slice(0, address.lastIndexOf(':')),
    port,
    gateway: `${placement.dial.gateway}:${topology.gateway.port}`,
    control: `${placement.dial.control}:${topology.control.port}`,
    certificate,
    key,
    accessLog: accessLog(program),
  };
}

/** How long a quiet socket may live in a proxy that must have a number: pings keep it far from that. */
export const SOCKET_HOURS = 1;

/** Milliseconds as nginx, HAProxy and Caddy read them: `5s`, `2500ms`. */
export function timer(ms: number): string {
  return ms % 1_000 === 0 ? `${ms / 1_000}s` : `${ms}ms`;
}
