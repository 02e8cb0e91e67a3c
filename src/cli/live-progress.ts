import { styleText } from 'node:util';
import { DefaultRenderer, Listr, ListrDefaultRendererLogLevels, ListrLogger, ProcessOutput } from 'listr2';
import { type Progress, progressLine } from './progress.js';

/** The library asks whether stdout is a terminal; this list is for stderr, and the caller has looked. */
class StderrRenderer extends DefaultRenderer {
  static override nonTTY = true;
}

/** What the library gives a task to show itself with. */
interface Shown {
  title: string | undefined;
  skip(message: string): void;
}

/** One thing of the list, driven from outside. */
class Item {
  readonly #settled = Promise.withResolvers<void>();
  #line: string;
  #shown: Shown | undefined;
  #isSkipped = false;

  constructor(private readonly name: string) {
    this.#line = progressLine(name, 'waiting', '');
    this.#settled.promise.catch(() => {}); // the list shows it
  }

  get task() {
    return {
      title: this.#line,
      task: (_context: unknown, shown: Shown): Promise<void> => {
        this.#shown = shown;
        if (this.#isSkipped) shown.skip(this.#line);
        else shown.title = this.#line;
        return this.#settled.promise;
      },
    };
  }

  say(state: string, words: string): void {
    this.#line = progressLine(this.name, state, words);
    if (this.#shown) this.#shown.title = this.#line;
  }

  done(words: string): void {
    this.say('ready', words);
    this.#settled.resolve();
  }

  failed(words: string): void {
    this.say('failed', words);
    this.#settled.reject(new Error(words));
  }

  notReached(): void {
    this.#isSkipped = true;
    this.#line = progressLine(this.name, 'not reached', '');
    this.#shown?.skip(this.#line);
    this.#settled.resolve();
  }
}

/** The list on a terminal: lines change in place, and are cut where the terminal ends. */
export function liveProgress(names: readonly string[], stream: NodeJS.WriteStream): Progress {
  const items = new Map(names.map((name) => [name, new Item(name)]));
  const open = new Set(names);
  const list = new Listr<unknown, typeof StderrRenderer>(
    [...items.values()].map(({ task }) => task),
    {
      concurrent: true,
      exitOnError: false,
      registerSignalListeners: false,
      renderer: StderrRenderer,
      rendererOptions: {
        logger: new ListrLogger({ processOutput: new ProcessOutput(stream, stream), useIcons: true }),
        color: colours(stream),
        formatOutput: 'truncate',
        showErrorMessage: false,
      },
    },
  );
  const shown = list.run();
  const settle = (name: string, work: (item: Item) => void): void => {
    const item = items.get(name);
    if (item && open.delete(name)) work(item);
  };
  return {
    waiting: (name, words) => {
      if (open.has(name)) items.get(name)?.say('waiting', words);
    },
    done: (name, words) => settle(name, (item) => item.done(words)),
    failed: (name, words) => settle(name, (item) => item.failed(words)),
    close: async () => {
      for (const name of names) settle(name, (item) => item.notReached());
      await shown;
    },
  };
}

/** Of the terminal that is written to: the library would look at stdout. NO_COLOR is respected. */
function colours(
  stream: NodeJS.WriteStream,
): Partial<Record<ListrDefaultRendererLogLevels, (text?: string) => string>> {
  const paint =
    (format: 'green' | 'red' | 'yellow') =>
    (text = ''): string =>
      styleText(format, text, { stream });
  const plain = (text = ''): string => text;
  return {
    [ListrDefaultRendererLogLevels.PENDING]: paint('yellow'),
    [ListrDefaultRendererLogLevels.COMPLETED]: paint('green'),
    [ListrDefaultRendererLogLevels.FAILED]: paint('red'),
    [ListrDefaultRendererLogLevels.SKIPPED_WITH_COLLAPSE]: plain,
    [ListrDefaultRendererLogLevels.WAITING]: plain,
    [ListrDefaultRendererLogLevels.COMPLETED_WITH_FAILED_SISTER_TASKS]: plain,
  };
}
