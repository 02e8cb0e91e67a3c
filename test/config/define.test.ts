import { describe, expect, test } from 'vitest';
import { count, defineSettings, port, text } from '../../src/config/index.ts';

const settings = defineSettings(
  'test',
  {
    host: text({ env: 'VNC_TEST_HOST', default: 'here', doc: 'Where.' }),
    port: port({ env: 'VNC_TEST_PORT', default: 80, doc: 'Which port.' }),
    min: count({ env: 'VNC_TEST_MIN', default: 1, doc: 'The least.' }),
    max: count({ env: 'VNC_TEST_MAX', default: 9, doc: 'The most.' }),
  },
  [{ of: ['min', 'max'], broken: ({ min, max }) => (min > max ? `min ${min} is above max ${max}` : undefined) }],
);
const load = (env: Record<string, string | undefined>, flags?: Record<string, string | undefined>): object =>
  settings.load({ env, ...(flags && { flags }), knownNames: ['VNC_OF_ANOTHER'] });

describe('a value', () => {
  test('comes from the flag, else from the environment, else it is the default', () => {
    expect(load({})).toEqual({ host: 'here', port: 80, min: 1, max: 9 });
    expect(load({ VNC_TEST_PORT: '81' })).toMatchObject({ port: 81 });
    expect(load({ VNC_TEST_PORT: '81' }, { port: '82' })).toMatchObject({ port: 82 });
    expect(load({ VNC_TEST_PORT: '81' }, { port: undefined })).toMatchObject({ port: 81 });
    expect(load({ VNC_TEST_PORT: undefined })).toMatchObject({ port: 80 });
  });

  test('that is empty is a value, not an absence', () => {
    expect(load({ VNC_TEST_HOST: '' })).toMatchObject({ host: '' });
    expect(() => load({ VNC_TEST_PORT: '' })).toThrow('VNC_TEST_PORT must be a port from 0 to 65535, got ""');
  });

  test('that Kubernetes injected is none', () => {
    expect(load({ VNC_TEST_PORT: 'tcp://10.0.0.1:80' })).toMatchObject({ port: 80 });
  });

  test('of a flag that is bad names the flag', () => {
    expect(() => load({}, { port: 'x' })).toThrow('--port (VNC_TEST_PORT) must be a port');
  });

  test('that is long is repeated in part', () => {
    expect(() => load({ VNC_TEST_PORT: 'x'.repeat(10_000) })).toThrow(/, got "x{119}…$/);
  });
});

describe('problems', () => {
  test('are told all at once: names, values, and what holds between them', () => {
    const env = { VNC_TEST_HOTS: 'a', VNC_NOPE: 'b', VNC_TEST_PORT: '-1', VNC_TEST_MIN: '10', VNC_OF_ANOTHER: 'fine' };
    const problems = [
      'VNC_TEST_HOTS is not a setting; did you mean VNC_TEST_HOST?',
      'VNC_NOPE is not a setting',
      'VNC_TEST_PORT must be a port from 0 to 65535, got "-1"',
      'min 10 is above max 9',
    ];
    expect(() => load(env)).toThrow(
      expect.objectContaining({ code: 'CF_CONFIG_INVALID', message: problems.join('\n'), facts: { problems } }),
    );
  });

  test('between settings are not looked for while one of them cannot be read', () => {
    const { problems } = settings.explain({ env: { VNC_TEST_MIN: '10', VNC_TEST_MAX: 'x' }, knownNames: [] });
    expect(problems).toEqual(['VNC_TEST_MAX must be a whole number, 0 or more, got "x"']);
  });
});

describe('an explanation', () => {
  test('has each setting with its name, kind, value, origin, default and documentation', () => {
    const sources = { env: { VNC_TEST_HOST: 'there' }, flags: { port: '0' }, knownNames: [] };
    expect(settings.explain(sources)).toEqual({
      problems: [],
      settings: [
        {
          key: 'host',
          env: 'VNC_TEST_HOST',
          kind: 'text',
          doc: 'Where.',
          default: 'here',
          value: 'there',
          origin: 'environment',
        },
        { key: 'port', env: 'VNC_TEST_PORT', kind: 'port', doc: 'Which port.', default: 80, value: 0, origin: 'flag' },
        { key: 'min', env: 'VNC_TEST_MIN', kind: 'count', doc: 'The least.', default: 1, value: 1, origin: 'default' },
        { key: 'max', env: 'VNC_TEST_MAX', kind: 'count', doc: 'The most.', default: 9, value: 9, origin: 'default' },
      ],
    });
  });

  test('shows the default in the place of what cannot be read, and the problem beside it', () => {
    const { settings: shown, problems } = settings.explain({ env: { VNC_TEST_PORT: 'x' }, knownNames: [] });
    expect(shown[1]).toMatchObject({ value: 80, origin: 'default' });
    expect(problems).toHaveLength(1);
  });
});

describe('an environment', () => {
  test('is written with the names of the settings', () => {
    expect(settings.toEnv({ host: 'a', port: '81' })).toEqual({ VNC_TEST_HOST: 'a', VNC_TEST_PORT: '81' });
  });

  test('is never written with a setting that does not exist', () => {
    expect(() => settings.toEnv({ hots: 'a' } as object)).toThrow('test has no setting hots');
  });
});
