/** `0.4 ms`, `24 ms`, `3.9 s`, `41 min 05 s`, `2 h 00 m`. */
export function formatMs(ms: number): string {
  if (ms < 1_000) return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
  if (ms < 59_950) return `${(ms / 1_000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1_000);
  const pair = (value: number): string => String(value).padStart(2, '0');
  return seconds < 3_600
    ? `${Math.floor(seconds / 60)} min ${pair(seconds % 60)} s`
    : `${Math.floor(seconds / 3_600)} h ${pair(Math.floor((seconds % 3_600) / 60))} m`;
}

/** `1 file`, `4 files`. */
export function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}

/** `4.1 kB`, `2.3 MB`: powers of ten. */
export function formatBytes(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`;
  return bytes < 1_000_000 ? `${(bytes / 1_000).toFixed(1)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}

// oxlint-disable-next-line no-control-regex -- what a peer sent must not steer the terminal
const CONTROLS = /[\u0000-\u001F\u007F-\u009F\u2028-\u202E\u2066-\u2069]/g;

/** One line that is safe to print: control and direction characters, which a peer may have sent, are shown as codes. */
export function printable(text: string): string {
  return text.replaceAll(CONTROLS, (character) =>
    character === '\n' || character === '\t' ? ' ' : `\\x${character.codePointAt(0)!.toString(16).padStart(2, '0')}`,
  );
}
