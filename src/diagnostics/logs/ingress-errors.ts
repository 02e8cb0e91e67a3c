import { stripVTControlCharacters } from 'node:util';
import { objectIn, textOf } from './parse.js';

/** Something that Traefik says it could not do. Its own log and its access log may be one file, as a container prints them. */
export interface IngressError {
  /** From 1, in the collected file. */
  readonly line: number;
  readonly router: string | undefined;
  readonly text: string;
}

/** `2026-11-26T03:50:59Z ERR message error="…" entryPointName=web routerName=vnc@file` */
const ERROR_LINE = /^\S+ ERR (.*)$/;
const PLAIN_ERROR = /\berror="((?:[^"\\]|\\.)*)"/;
const PLAIN_ROUTER = /\brouterName=(\S+)/;

/** The errors in Traefik's own log, in JSON or as plain text; every other line is skipped. */
export function parseIngressErrors(lines: readonly string[]): readonly IngressError[] {
  return lines.flatMap((text, index): IngressError[] => {
    const found = text.startsWith('{') ? fromJson(text) : fromPlain(stripVTControlCharacters(text));
    return found ? [{ line: index + 1, ...found }] : [];
  });
}

function fromJson(text: string): Omit<IngressError, 'line'> | undefined {
  const record = objectIn(text);
  if (record?.['level'] !== 'error' || 'event' in record) return undefined;
  const words = [textOf(record['message']), textOf(record['error'])].filter((one) => one !== undefined);
  return { router: textOf(record['routerName']), text: words.join(': ') };
}

function fromPlain(text: string): Omit<IngressError, 'line'> | undefined {
  const [, rest] = ERROR_LINE.exec(text) ?? [];
  if (rest === undefined) return undefined;
  const error = PLAIN_ERROR.exec(rest)?.[1]?.replaceAll(String.raw`\"`, '"');
  const [message = ''] = rest.split(/ ?\w+=/, 1);
  const words = [message, error].filter((one) => one !== undefined && one !== '');
  return { router: PLAIN_ROUTER.exec(rest)?.[1], text: words.join(': ') };
}
