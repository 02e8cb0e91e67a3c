import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { CamofleetError, errorText, nodeHttp } from '../core/index.js';

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };
const MAX_PORT = 65_535;

/** `30s`, `5m`, `1h30m` or plain seconds, in milliseconds. */
export function durationMs(text: string, flag: string): number {
  if (/^\d+(\.\d+)?$/.test(text)) return Math.round(Number(text) * 1_000);
  if (!/^(\d+(\.\d+)?(ms|s|m|h))+$/.test(text)) usage(`${flag} takes 30s, 5m or 1h30m, not ${JSON.stringify(text)}`);
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)];
  return Math.round(parts.reduce((sum, [, number, unit]) => sum + Number(number) * UNIT_MS[unit!]!, 0));
}

/** A comma-separated choice of names; each once, in the order of the known ones. */
export function choices<Name extends string>(text: string, known: readonly Name[], flag: string): readonly Name[] {
  const wanted = text.split(',').map((name) => name.trim());
  const unknown = wanted.find((name) => !known.some((one) => one === name));
  if (unknown !== undefined) usage(`${flag} takes ${known.join(', ')}, not ${JSON.stringify(unknown)}`);
  return known.filter((name) => wanted.includes(name));
}

/** A ws:// or wss:// URL. */
export function socketUrl(url: URL | undefined, flag: string): URL | undefined {
  return withScheme(url, flag, ['ws:', 'wss:']);
}

/** An http:// or https:// URL. */
export function pageUrl(url: URL | undefined, flag: string): URL | undefined {
  return withScheme(url, flag, ['http:', 'https:']);
}

/** An http:, https: or tcp: URL. */
export function healthUrl(url: URL, flag: string): URL {
  return withScheme(url, flag, ['http:', 'https:', 'tcp:']) ?? url;
}

function withScheme(url: URL | undefined, flag: string, schemes: readonly string[]): URL | undefined {
  if (url && !schemes.includes(url.protocol))
    usage(`${flag} takes a ${schemes.map((scheme) => `${scheme}//`).join(' or ')} URL, not ${url.protocol}//`);
  return url;
}

/** `HOST:PORT`, an IPv6 address in brackets. */
export function hostPort(text: string, flag: string): { readonly host: string; readonly port: number } {
  const [, host = '', port = ''] = /^(\[[^\]]+\]|[^:[\]]+):(\d+)$/.exec(text) ?? [];
  if (host === '' || Number(port) < 1 || Number(port) > MAX_PORT)
    usage(`${flag} takes HOST:PORT, an IPv6 address in brackets, not ${JSON.stringify(text)}`);
  return { host: host.replace(/^\[|\]$/g, ''), port: Number(port) };
}

/** `HOST:PORT:ADDR`, as curl's --resolve. */
export function resolution(text: string, flag: string): readonly [string, string] {
  const [, host = '', port = '', address = ''] = /^([^:]+):(\d+):(.+)$/.exec(text) ?? [];
  const bare = address.replace(/^\[|\]$/g, '');
  if (host === '' || isIP(bare) === 0)
    usage(`${flag} takes HOST:PORT:ADDR, ADDR an IP address, not ${JSON.stringify(text)}`);
  return [`${host}:${Number(port)}`, bare];
}

/** `Name: value`; what is shown of a bad one is its name alone, since the value may be a secret. */
export function header(text: string, flag: string): readonly [string, string] {
  const at = text.indexOf(':');
  const [name, value] = [text.slice(0, Math.max(0, at)).trim().toLowerCase(), text.slice(at + 1).trim()];
  try {
    nodeHttp().validateHeaderName(name);
    nodeHttp().validateHeaderValue(name, value);
  } catch {
    usage(`${flag} takes 'Name: value' in characters of a header, not ${JSON.stringify(at < 0 ? '…' : `${name}: …`)}`);
  }
  return [name, value];
}

/** The text of a file; a last line end is no part of a secret. */
export async function fileText(file: string | undefined, flag: string): Promise<string | undefined> {
  if (file === undefined) return undefined;
  return readFile(file, 'utf8').catch((cause: unknown) => usage(`${flag} ${file} cannot be read: ${errorText(cause)}`));
}

/** PEM of at least one certificate. */
export async function certificates(file: string | undefined, flag: string): Promise<string | undefined> {
  const text = await fileText(file, flag);
  if (text === undefined) return undefined;
  try {
    new X509Certificate(text);
  } catch {
    usage(`${flag} ${file} holds no certificate in PEM`);
  }
  return text;
}

function usage(message: string): never {
  throw new CamofleetError('CF_USAGE', message);
}
