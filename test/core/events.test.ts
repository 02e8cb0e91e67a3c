import { describe, expect, test } from 'vitest';
import { channel, startJsonLog } from '../../src/core/index.ts';

const clock = { now: () => Date.UTC(2026, 10, 23, 15, 4, 5, 7), monotonic: () => 0 };

describe('a channel', () => {
  test('gives facts to those who listen, until they stop', () => {
    const opened = channel<{ session: string }>('test.opened');
    const heard: string[] = [];
    const stop = opened.subscribe(({ session }) => heard.push(session));
    opened.publish({ session: 'a' });
    stop();
    opened.publish({ session: 'b' });
    expect(heard).toEqual(['a']);
  });

  test('is its own: another name hears nothing', () => {
    const heard: object[] = [];
    const stop = channel('test.one').subscribe((fact) => heard.push(fact));
    channel('test.two').publish({});
    stop();
    expect(heard).toEqual([]);
  });
});

describe('the log of a service', () => {
  const started = channel<{ port: number; level?: string }>('test.started');
  const noise = channel<{ text: string }>('test.noise');
  const sources = [
    { channel: started, level: 'info' },
    { channel: noise, level: 'debug' },
  ] as const;

  function logAt(least: 'debug' | 'info' | 'warn' | 'error'): { lines: string[]; end: () => void } {
    const lines: string[] = [];
    return { lines, end: startJsonLog(sources, { write: (line) => lines.push(line), clock, least }) };
  }

  test('is one JSON line a fact: time, level, event, and what the fact says', () => {
    const { lines, end } = logAt('info');
    started.publish({ port: 6900 });
    end();
    expect(lines).toEqual(['{"time":"2026-11-23T15:04:05.007Z","level":"info","event":"test.started","port":6900}\n']);
  });

  test('leaves out what lies below its level', () => {
    const { lines, end } = logAt('info');
    noise.publish({ text: 'hum' });
    end();
    expect(lines).toEqual([]);
  });

  test('takes the level that a fact brings itself', () => {
    const { lines, end } = logAt('warn');
    started.publish({ port: 1 });
    started.publish({ port: 2, level: 'error' });
    end();
    expect(lines.map((line) => JSON.parse(line) as object)).toMatchObject([{ level: 'error', port: 2 }]);
  });

  test('ends when it is told to', () => {
    const { lines, end } = logAt('debug');
    end();
    started.publish({ port: 1 });
    expect(lines).toEqual([]);
  });
});
