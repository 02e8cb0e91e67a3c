import type { LogOptions } from '../engine.js';
import { type LogLine } from '../logs.js';
import type { Docker } from './docker.js';

/** `gateway-1  | text`, as Compose writes a line; a name may be longer where a container was given one. */
const LINE = /^([a-z][a-z-]*?)(?:-(\d+))? +\| ?(.*)$/;

/** What the containers of a project say, each line behind `service` or `service-number`. */
export async function* composeLogs(
  docker: Docker,
  { sources, lines, follow, since }: LogOptions & { readonly since?: string },
  signal: AbortSignal,
): AsyncGenerator<LogLine & { readonly service: string }> {
  const args = [
    ...['logs', '--no-color', '--tail', String(lines)],
    ...(follow ? ['--follow'] : []),
    ...(since === undefined ? [] : ['--since', since]),
    ...sources,
  ];
  for await (const line of docker.follow(args, signal)) {
    const [, service, number, text = ''] = LINE.exec(line) ?? [];
    if (service === undefined || text === '') continue;
    yield { service, source: number === undefined || number === '1' ? service : `${service}-${number}`, text };
  }
}

/** The lines of several streams in the order in which they come. */
export async function* merged<T>(streams: readonly AsyncGenerator<T>[]): AsyncGenerator<T> {
  const next = (stream: AsyncGenerator<T>) => stream.next().then((result) => ({ stream, result }));
  const waiting = new Map(streams.map((stream) => [stream, next(stream)]));
  try {
    while (waiting.size > 0) {
      const { stream, result } = await Promise.race(waiting.values());
      if (result.done) waiting.delete(stream);
      else {
        waiting.set(stream, next(stream));
        yield result.value;
      }
    }
  } finally {
    await Promise.all(streams.map((stream) => stream.return(undefined)));
  }
}
