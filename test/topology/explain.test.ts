import { describe, expect, test } from 'vitest';
import { explainTopology, parseTopology } from '../../src/topology/index.ts';
import { topologyKeys } from '../../src/topology/keys.ts';

function explained(text: string): ReturnType<typeof explainTopology> {
  const parsed = parseTopology(text);
  if ('problems' in parsed) throw new Error('the text is right');
  return explainTopology(parsed);
}

describe('the keys of a topology', () => {
  test.each(topologyKeys())('$path says what it must be and what it is for', ({ want, doc }) => {
    expect(want).not.toBe('');
    expect(doc).toMatch(/^\S.*\.$/);
  });

  test('are each there once, under a section', () => {
    const paths = topologyKeys().map(({ path }) => path);
    expect(new Set(paths).size).toBe(paths.length);
    expect(paths).toContain('gateway.pingIntervalMs');
    expect(paths).toContain('runner.displays.min');
    expect(paths).toContain('edge');
  });
});

describe('an explanation', () => {
  test('shows the value, the default, and whether the file says it', () => {
    const keys = explained(
      'gateway: { port: 7000 }\nrunner: { displays: { min: 150 } }\nedge: [{ name: a, idleTimeoutMs: 60000 }]',
    );
    const of = (key: string): object | undefined => keys.find((found) => found.key === key);
    expect(of('gateway.port')).toMatchObject({
      value: 7000,
      default: 6900,
      origin: 'file',
      kind: 'a port from 1 to 65535',
    });
    expect(of('gateway.internalPort')).toMatchObject({ value: 6901, default: 6901, origin: 'default' });
    expect(of('runner.displays.min')).toMatchObject({ value: 150, default: 100, origin: 'file' });
    expect(of('runner.displays.max')).toMatchObject({ value: 199, origin: 'default' });
    expect(of('edge')).toMatchObject({ value: [{ name: 'a', idleTimeoutMs: 60_000 }], default: [], origin: 'file' });
    expect(of('tls.certificate')).toMatchObject({ value: null, default: null, origin: 'default' });
  });

  test('without a file is the defaults', () => {
    const keys = explainTopology();
    expect(keys.filter(({ origin }) => origin === 'file')).toEqual([]);
    for (const { value, default: usual } of keys) expect(value).toEqual(usual);
  });
});
