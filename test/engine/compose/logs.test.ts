import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import type { Docker } from '../../../src/engine/compose/docker.ts';
import { composeLogs, merged } from '../../../src/engine/compose/logs.ts';

function saying(lines: readonly string[], calls: string[][]): Docker {
  return {
    run: async () => '',
    compose: async () => '',
    tail: async function* () {},
    follow: async function* (args) {
      calls.push([...args]);
      yield* lines;
    },
  };
}

describe('the logs of containers', () => {
  test('are given by service; a further replica by its number', async () => {
    const calls: string[][] = [];
    const docker = saying(
      [
        'gateway-1  | {"event":"a"}',
        'gateway-2  | {"event":"b | c"}',
        'traefik-1  | plain text',
        'gateway-1 exited with code 137',
        'control-1  | ',
      ],
      calls,
    );
    const options = { sources: ['gateway', 'traefik'], lines: 5, follow: true, since: '2026-11-26T07:00:00.000Z' };
    const seen = await Array.fromAsync(composeLogs(docker, options, new AbortController().signal));
    expect(seen).toEqual([
      { service: 'gateway', source: 'gateway', text: '{"event":"a"}' },
      { service: 'gateway', source: 'gateway-2', text: '{"event":"b | c"}' },
      { service: 'traefik', source: 'traefik', text: 'plain text' },
    ]);
    const since = ['--since', '2026-11-26T07:00:00.000Z'];
    expect(calls).toEqual([['logs', '--no-color', '--tail', '5', '--follow', ...since, 'gateway', 'traefik']]);
  });
});

describe('several streams', () => {
  async function* counting(name: string, times: readonly number[], onEnd: () => void = () => {}) {
    try {
      for (const [index, ms] of times.entries()) {
        await pause(ms);
        yield `${name}${index}`;
      }
    } finally {
      onEnd();
    }
  }

  test('are one, in the order in which their lines come', async () => {
    const lines = merged([counting('a', [0, 200]), counting('b', [80, 300])]);
    expect(await Array.fromAsync(lines)).toEqual(['a0', 'b0', 'a1', 'b1']);
  });

  test('all end when the reader leaves', async () => {
    const ended: string[] = [];
    const streams = ['a', 'b'].map((name) => counting(name, [0, 10, 10], () => ended.push(name)));
    for await (const line of merged(streams)) if (line.endsWith('1')) break;
    expect(ended.toSorted()).toEqual(['a', 'b']);
  });
});
