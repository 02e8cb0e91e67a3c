import type { Channel } from './events.js';
import type { Clock } from './clock.js';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

interface Source {
  // oxlint-disable-next-line typescript/no-explicit-any -- a log takes facts of every shape
  readonly channel: Channel<any>;
  readonly level: LogLevel;
}

/**
 * The one subscriber of a service: writes every fact as a JSON line `{time, level, event, …fact}`. A fact may carry a
 * `level` of its own. Returns the function that ends it.
 */
export function startJsonLog(
  sources: readonly Source[],
  options: { readonly write: (line: string) => void; readonly clock: Clock; readonly least: LogLevel },
): () => void {
  const least = LOG_LEVELS.indexOf(options.least);
  const ends = sources.map(({ channel, level: usual }) =>
    channel.subscribe((fact: Readonly<Record<string, unknown>>) => {
      if (LOG_LEVELS.indexOf((fact['level'] ?? usual) as LogLevel) < least) return;
      const { level = usual, ...rest } = fact;
      const time = new Date(options.clock.now()).toISOString();
      options.write(`${JSON.stringify({ time, level, event: channel.name, ...rest })}\n`);
    }),
  );
  return () => {
    for (const end of ends) end();
  };
}
