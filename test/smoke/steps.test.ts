import { expect, test } from 'vitest';
import { CamofleetError } from '../../src/core/index.ts';
import { Steps } from '../../src/smoke/steps.ts';

test('steps are noted as they went, those behind a failure too, and those that were not taken', async () => {
  const told: string[] = [];
  const steps = new Steps({
    monotonic: () => 0,
    observer: {
      onBegin: async (name) => void told.push(`begin ${name}`),
      onStep: async ({ name, verdict }) => void told.push(`${name} ${verdict}`),
    },
  });
  expect(await steps.take('fleet', async () => ({ value: 7, saw: 'one' }))).toBe(7);
  const broken = await steps.take('up', async () => {
    throw new CamofleetError('CF_PORT_TAKEN', 'port 1');
  });
  expect(broken).toBeUndefined();
  await steps.take('down', async () => ({ value: 1, saw: 'forced', as: { verdict: 'warn', exitCode: 0 } }));
  expect(told).toEqual(['begin fleet', 'fleet pass', 'begin up', 'up fail', 'begin down', 'down warn']);
  expect(steps.all.map(({ name, verdict, saw }) => `${name} ${verdict} ${saw}`)).toEqual([
    'fleet pass one',
    'up fail port 1',
    'frame skip not reached',
    'verify skip not reached',
    'down warn forced',
  ]);
});
