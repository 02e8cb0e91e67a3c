import type { Daemon } from '../compose/docker.js';
import { merged } from '../compose/logs.js';
import type { LogOptions } from '../engine.js';
import type { LogLine } from '../logs.js';

/** `fleet_gateway.2.x7u3…@host    | text`, as Docker writes a line of a service. */
const LINE = /^\S+?\.(\d+)\.\S+\s+\| ?(.*)$/;

/** What the replicas of services say, each line behind `service` or `service-number`. */
export async function* swarmLogs(
  docker: Daemon,
  stack: string,
  { sources, lines, follow, since }: LogOptions & { readonly since?: string },
  signal: AbortSignal,
): AsyncGenerator<LogLine & { readonly service: string }> {
  yield* merged(sources.map((service) => serviceLines(docker, stack, service, { lines, follow, since }, signal)));
}

async function* serviceLines(
  docker: Daemon,
  stack: string,
  service: string,
  { lines, follow, since }: Pick<LogOptions, 'lines' | 'follow'> & { readonly since: string | undefined },
  signal: AbortSignal,
): AsyncGenerator<LogLine & { readonly service: string }> {
  const args = [
    ...['service', 'logs', '--no-trunc', '--tail', String(lines)],
    ...(follow ? ['--follow'] : []),
    ...(since === undefined ? [] : ['--since', since]),
    `${stack}_${service}`,
  ];
  for await (const line of docker.tail(args, signal)) {
    const [, slot, text = ''] = LINE.exec(line) ?? [];
    if (slot === undefined || text === '') continue;
    yield { service, source: slot === '1' ? service : `${service}-${slot}`, text };
  }
}
