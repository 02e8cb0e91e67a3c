/** What is told of a check. */
interface ToldCheck {
  readonly verdict: string;
  readonly hop: string;
  readonly title: string;
  readonly saw?: string;
  readonly because?: string;
}

/** Talk of `verify` while it runs. */
export interface VerifyTalk<Progress> {
  readonly onStage: (text: string) => void;
  readonly onCheck: (check: ToldCheck, named?: { readonly code: string; readonly confidence: string }) => void;
  readonly onTrouble: (what: string) => void;
  readonly onHold: (progress: Progress) => void;
  /** What is printed next stands alone. */
  readonly end: () => void;
}

/** How a report shows things; passed in, for it is loaded late. */
export interface Renderings<Progress> {
  readonly printable: (text: string) => string;
  readonly renderProgress: (progress: Progress, columns: number) => string;
}

const PLAIN_COLUMNS = 120;
const MINUTE_MS = 60_000;

/** On a terminal one line that changes, elsewhere plain lines, one a minute during the hold. */
export function verifyTalk<Progress extends { readonly elapsedMs: number }>(
  stream: NodeJS.WriteStream,
  signal: AbortSignal,
  { printable, renderProgress }: Renderings<Progress>,
): VerifyTalk<Progress> {
  const clear = stream.isTTY ? '\r\u001B[K' : '';
  let nextAt = MINUTE_MS;
  const told = new Set<string>();
  signal.addEventListener('abort', () => {
    stream.write(`${clear}ending early; the evidence is being written, another Ctrl-C ends at once\n`);
  });
  return {
    onStage: (text) => stream.write(stream.isTTY ? `${clear}${text} …` : `${text} …\n`),
    onCheck: ({ verdict, hop, title, saw, because }, named) => {
      if (verdict !== 'fail' && verdict !== 'warn' && verdict !== 'unknown') return;
      const who = named ? ` ${hop} ${named.code} ${named.confidence}:` : '';
      stream.write(`${clear}${verdict}:${who} ${title}: ${printable(saw ?? because ?? '')}\n`);
    },
    onTrouble: (what) => {
      if (!told.has(what)) stream.write(`${clear}${printable(what)}\n`);
      told.add(what);
    },
    onHold: (progress) => {
      if (stream.isTTY) stream.write(`${clear}${renderProgress(progress, stream.columns)}`);
      else if (progress.elapsedMs >= nextAt) {
        stream.write(`${renderProgress(progress, PLAIN_COLUMNS)}\n`);
        nextAt += MINUTE_MS;
      }
    },
    end: () => stream.write(clear),
  };
}
