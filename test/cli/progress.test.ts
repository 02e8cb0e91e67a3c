import { PassThrough } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import { describe, expect, test } from 'vitest';
import { startProgress } from '../../src/cli/index.ts';

/** A terminal, or a file, of so many columns. */
function screenOf(columns: number, isTTY: boolean): NodeJS.WriteStream & { written: string } {
  const stream = Object.assign(new PassThrough(), { isTTY, columns, rows: 24, written: '' });
  stream.on('data', (bytes: Buffer) => (stream.written += bytes.toString()));
  return stream as unknown as NodeJS.WriteStream & { written: string };
}

/** The lines that a list leaves behind when it has ended. */
function lastLines(text: string, count: number): string[] {
  return stripVTControlCharacters(text).trimEnd().split('\n').slice(-count);
}

describe('progress on a terminal', () => {
  test('is a list that changes in place, and leaves what became of each', async () => {
    const stream = screenOf(60, true);
    const progress = await startProgress(['runner', 'control', 'gateway'], { stream, env: {}, monotonic: () => 0 });
    progress.waiting('runner', '60 s left: refused');
    await expect.poll(() => stripVTControlCharacters(stream.written)).toContain('runner   waiting  60 s left: refused');
    progress.done('runner', '0.5 s');
    progress.waiting('runner', 'too late to say');
    progress.failed('control', 'exited with code 3');
    await progress.close();
    expect(lastLines(stream.written, 3)).toEqual([
      '✔ runner   ready    0.5 s',
      '✖ control  failed   exited with code 3',
      '↓ gateway  not reached',
    ]);
  });

  test('cuts what does not fit', async () => {
    const stream = screenOf(30, true);
    const progress = await startProgress(['runner'], { stream, env: {}, monotonic: () => 0 });
    progress.failed('runner', 'a reason that is much longer than the terminal is wide');
    await progress.close();
    expect(lastLines(stream.written, 1)[0]).toMatch(/^✖ runner +failed +a rea.*…$/);
  });

  test('that ends before it has begun shows what was not reached', async () => {
    const stream = screenOf(60, true);
    const progress = await startProgress(['runner'], { stream, env: {}, monotonic: () => 0 });
    await progress.close();
    await progress.close();
    expect(lastLines(stream.written, 1)).toEqual(['↓ runner   not reached']);
  });
});

describe.each([
  ['a file', false, {}],
  ['a terminal that cannot move its cursor', true, { TERM: 'dumb' }],
  ['CI', true, { CI: 'true' }],
])('progress in %s', (_where, isTTY, env) => {
  test('is a plain line for each that is done, and now and then one for what takes long', async () => {
    const stream = screenOf(80, isTTY);
    let nowMs = 0;
    const progress = await startProgress(['runner', 'control'], { stream, env, monotonic: () => nowMs });
    for (nowMs = 0; nowMs <= 11_000; nowMs += 50) progress.waiting('control', `at ${nowMs / 1000} s`);
    progress.done('runner', '0.5 s');
    progress.failed('control', 'exited with code 3');
    await progress.close();
    expect(stream.written.split('\n')).toEqual([
      '  control  waiting  at 5 s',
      '  control  waiting  at 10 s',
      '  runner   ready    0.5 s',
      '  control  failed   exited with code 3',
      '',
    ]);
  });
});
