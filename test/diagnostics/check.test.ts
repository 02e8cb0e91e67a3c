import { describe, expect, test } from 'vitest';
import { type Check, type CheckResult, type Verdict, runChecks } from '../../src/diagnostics/check.ts';

const PASS: Verdict = { status: 'pass', saw: 'fine' };
const FAIL: Verdict = { status: 'fail', saw: 'bad', want: 'good', code: 'CF-DNS-NAME' };
const WARN: Verdict = { status: 'warn', saw: 'bad', want: 'good', code: 'CF-TLS-TRUST' };
const UNKNOWN: Verdict = { status: 'unknown', because: 'no idea' };
const SKIP: Verdict = { status: 'skip', because: 'not given' };

type Plain = Check<undefined>;

function check(id: string, run: Plain['run'] | Verdict, more: Partial<Plain> = {}): Plain {
  const title = `${id} is so`;
  return {
    id,
    hop: 'dns',
    title,
    needs: [],
    budgetMs: 5_000,
    run: typeof run === 'function' ? run : async () => run,
    ...more,
  };
}

async function all(checks: readonly Plain[], signal = new AbortController().signal): Promise<CheckResult[]> {
  return Array.fromAsync(runChecks(checks, undefined, { monotonic: () => performance.now(), signal }));
}

async function verdicts(checks: readonly Plain[], signal?: AbortSignal): Promise<Record<string, string>> {
  const results = await all(checks, signal);
  return Object.fromEntries(
    results.map(({ report: { id, verdict, because } }) => [
      id,
      because === undefined ? verdict : `${verdict}: ${because}`,
    ]),
  );
}

describe('checks', () => {
  test('run in order, and each result is known before the next one begins', async () => {
    const said: string[] = [];
    const one = (id: string): Plain => check(id, async () => (said.push(`runs ${id}`), PASS));
    for await (const { report } of runChecks([one('a'), one('b')], undefined, {
      monotonic: () => 0,
      signal: new AbortController().signal,
    }))
      said.push(`told ${report.id}`);
    expect(said).toEqual(['runs a', 'told a', 'runs b', 'told b']);
  });

  test.each([
    ['pass', PASS, 'pass'],
    ['warn', WARN, 'pass'],
    ['fail', FAIL, 'skip: a did not pass'],
    ['unknown', UNKNOWN, 'skip: a did not pass'],
    ['skip', SKIP, 'skip: a did not pass'],
  ])('a need that ends in %s', async (_status, verdict, expected) => {
    expect((await verdicts([check('a', verdict), check('b', PASS, { needs: ['a'] })]))['b']).toBe(expected);
  });

  test('the root cause is the only failure of a chain, and each skip names what it needs', async () => {
    const chain = [
      check('a', FAIL),
      check('b', FAIL, { needs: ['a'] }),
      check('c', FAIL, { needs: ['b'] }),
      check('d', PASS),
      check('e', PASS, { needs: ['d', 'c'] }),
    ];
    expect(await verdicts(chain)).toEqual({
      a: 'fail',
      b: 'skip: a did not pass',
      c: 'skip: b did not pass',
      d: 'pass',
      e: 'skip: c did not pass',
    });
  });

  test('what does not apply is no part of the run, and nothing waits for it', async () => {
    const absent = check('a', FAIL, { applies: () => false });
    expect(await verdicts([absent, check('b', PASS, { needs: ['a'] })])).toEqual({ b: 'pass' });
  });

  test('what throws is unknown, with the words of the error', async () => {
    const broken = check('a', async () => {
      throw Object.assign(new Error('no such thing'), { code: 'ENOENT' });
    });
    expect(await verdicts([broken])).toEqual({ a: 'unknown: ENOENT: no such thing' });
  });

  test('what takes longer than its budget is unknown, and what it throws later harms nobody', async () => {
    const slow = check('a', () => new Promise((_resolve, reject) => setTimeout(() => reject(new Error('late')), 60)), {
      budgetMs: 20,
    });
    expect(await verdicts([slow, check('b', PASS)])).toEqual({ a: 'unknown: not known within 20 ms', b: 'pass' });
    await new Promise((resolve) => setTimeout(resolve, 80));
  });

  test('an interruption ends the check that runs and skips the others: nobody is accused', async () => {
    const controller = new AbortController();
    const running = check('b', () => {
      controller.abort();
      return new Promise(() => {});
    });
    const rest = [check('c', FAIL), check('d', PASS, { needs: ['b'] })];
    expect(await verdicts([check('a', PASS), running, ...rest], controller.signal)).toEqual({
      a: 'pass',
      b: 'skip: verify was interrupted',
      c: 'skip: verify was interrupted',
      d: 'skip: verify was interrupted',
    });
  });

  test('a dial that fails because of the interruption is a skip, not a failure', async () => {
    const controller = new AbortController();
    const dialling = check('a', async () => {
      controller.abort();
      return FAIL;
    });
    expect(await verdicts([dialling], controller.signal)).toEqual({ a: 'skip: verify was interrupted' });
  });

  test('a report is plain data: the hop that is blamed, what was seen, the time of the step itself', async () => {
    const [failed, shared] = await all([
      check('a', { ...FAIL, hop: 'traefik', wsKey: 'secret', remedy: 'x' }),
      check('b', { status: 'pass', saw: 'fine', tookMs: 12.34 }),
    ]);
    expect(failed!.report).toEqual({
      id: 'a',
      hop: 'traefik',
      title: 'a is so',
      verdict: 'fail',
      saw: 'bad',
      want: 'good',
      tookMs: failed!.report.tookMs,
    });
    expect(shared!.report).toMatchObject({ verdict: 'pass', saw: 'fine', tookMs: 12.3 });
  });
});
