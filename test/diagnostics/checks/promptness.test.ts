import { describe, expect, test } from 'vitest';
import type { CheckContext } from '../../../src/diagnostics/checks/context.ts';
import { promptnessCheck } from '../../../src/diagnostics/checks/promptness.ts';
import type { DialFacts } from '../../../src/diagnostics/probe/facts.ts';

/** A dial that opened: milliseconds until TCP or 101, and from there to the greeting. */
function opened(answeredMs: number, greetingMs: number): DialFacts {
  const http = { status: 101, headers: {}, body: '', key: '', wantedAccept: '', tookMs: answeredMs };
  return { stage: 'open', tcp: { address: '127.0.0.1', tookMs: 1 }, http, rfb: { greetingMs } };
}

async function statusOf(front: DialFacts, again: DialFacts | undefined, raw?: DialFacts): Promise<unknown> {
  const context = {
    front: { dial: async () => ({ facts: front, stream: undefined }) },
    subject: { targets: raw ? { rfb: { kind: 'rfb' } } : {} },
    dial: async () => ({ facts: raw, stream: undefined }),
    silent: async () => again,
  } as unknown as CheckContext;
  const verdict = await promptnessCheck.run(context);
  return verdict.status === 'fail' ? [verdict.code, verdict.confidence] : verdict.status;
}

const RAW = (greetingMs: number): DialFacts => {
  const { http: _none, ...facts } = opened(0, greetingMs);
  return facts;
};
const LATE = ['CF-RUNNER-LATE', 'likely'];

describe('a greeting', () => {
  test.each<[string, unknown, DialFacts, DialFacts | undefined, DialFacts?]>([
    ['that comes at once is well', 'pass', opened(5, 2), undefined],
    ['behind a slow 101 is no matter of the runner', 'pass', opened(900, 2_500), undefined],
    ['that comes late each time is', LATE, opened(5, 4_000), opened(5, 4_100)],
    ['that comes late once may be a moment', 'unknown', opened(5, 4_000), opened(5, 3)],
    ['of the runner itself that is prompt is well', 'pass', opened(5, 4_000), undefined, RAW(2)],
    ['of the runner itself that is late, as behind a relay', LATE, opened(5, 3_000), undefined, RAW(3_100)],
    ['of the runner itself that is late, as a gateway hears it', LATE, opened(3_000, 1), undefined, RAW(3_100)],
    ['of the runner itself that is late behind another dial', LATE, opened(5, 6_000), undefined, RAW(3_000)],
    ['of the runner itself that is late once', 'unknown', opened(5, 2), undefined, RAW(3_000)],
  ])('%s', async (_what, status, front, again, raw) => {
    expect(await statusOf(front, again, raw)).toEqual(status);
  });
});
