import { isLoopback } from '../../core/index.js';
import type { EvidenceRef } from '../../report/index.js';

/** What an x11vnc says of itself; absent what it did not say. */
export interface ServerWords {
  /** It listens on loopback alone. */
  readonly loopback?: EvidenceRef;
  /** It turned a viewer away because another one was there. */
  readonly denied?: EvidenceRef;
  /** Its last viewer left, and with it the server. */
  readonly left?: EvidenceRef;
  /** It was told to end by a signal. */
  readonly told?: EvidenceRef;
  /** A program found no place on the display, or the browser ended. */
  readonly empty?: EvidenceRef;
  /** Shared memory ran out. */
  readonly shared?: EvidenceRef;
  /** It lost its X server. */
  readonly orphaned?: EvidenceRef;
  /** An X server did not start, for the lock or the socket of another one was there. */
  readonly locked?: EvidenceRef;
}

const WORDS: Readonly<Record<keyof ServerWords, RegExp>> = {
  loopback: /^The VNC desktop is:\s+localhost\b|listen(?:ing)? (?:only )?on (?:localhost|127\.)/i,
  denied: /denying additional client|refused? .*already (?:connected|a viewer)/i,
  left: /viewer exited\.?$/i,
  empty:
    /maximum number of clients|(?:unable to|can(?:'|no)t|could not|failed to) open (?:x )?display|missing x server|\b(?:chrome|chromium|firefox|camoufox|browser)\b.*\b(?:exited|crashed|died|was killed|terminated)\b/i,
  shared: /\bSIGBUS\b|(?:\/dev\/shm|shared memory)\b.*(?:too small|no space|full|failed)/i,
  orphaned:
    /\bcaught X?IO error|\bX connection to \S+ broken|XIO:\s+fatal IO error|lost (?:its )?connection to the X server/i,
  locked:
    /server is already active for display|could not create (?:server )?lock|cannot establish any listening sockets|\.X\d+-lock/i,
  told: /caught signal: (?:15|1|2)\b|(?:received|got|caught) SIGTERM/i,
};

/** Reads the log of a foreign RFB server; the last line that says a thing counts. */
export function wordsOf(lines: readonly string[]): ServerWords {
  const found: { -readonly [name in keyof ServerWords]: ServerWords[name] } = {};
  for (const [index, text] of lines.entries())
    for (const [name, pattern] of Object.entries(WORDS) as [keyof ServerWords, RegExp][])
      if (!text.startsWith('{') && pattern.test(text))
        found[name] = { file: 'runner.log', line: index + 1, text: text.trim().slice(0, MAX_TEXT) };
  return found;
}

/** The line of a gateway's log that tells of a refusal at an address; none for loopback, which is another one for everybody. */
export function refusalAt(
  lines: readonly string[],
  target: { readonly host: string; readonly port: number } | undefined,
): EvidenceRef | undefined {
  if (!target || isLoopback(target.host) || target.host === 'localhost') return undefined;
  const at = `${target.host}:${target.port}`;
  const index = lines.findLastIndex(
    (text) => text.includes(at) && /refused|ECONNREFUSED|reset|prohibited|unreachable/i.test(text),
  );
  return index < 0
    ? undefined
    : { file: 'websockify.log', line: index + 1, text: lines[index]!.trim().slice(0, MAX_TEXT) };
}

const TOO_MANY = /\bEMFILE\b|too many open files/i;

/** The line of a gateway's log that says that it has no descriptor left, of ours or of any other. */
export function descriptorsIn(lines: readonly string[]): EvidenceRef | undefined {
  const index = lines.findLastIndex((text) => TOO_MANY.test(text));
  return index < 0
    ? undefined
    : { file: 'websockify.log', line: index + 1, text: lines[index]!.trim().slice(0, MAX_TEXT) };
}

const MAX_TEXT = 200;
