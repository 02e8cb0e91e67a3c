import { describe, expect, test } from 'vitest';
import { ciTalk } from '../../src/cli/ci.ts';

function talkIn(env: Readonly<Record<string, string>>): {
  readonly talk: ReturnType<typeof ciTalk>;
  readonly text: () => string;
} {
  let text = '';
  const talk = ciTalk(
    env,
    (more) => (text += more),
    () => 1_700_000_000_500,
  );
  return { talk, text: () => text };
}

/** Two parts and a note. */
function speak({ talk, text }: ReturnType<typeof talkIn>): string {
  talk.fold('One');
  talk.fold('Two');
  talk.annotate({ level: 'error', title: 'CF-X: a, b', message: '100 % gone\nremedy: y' });
  talk.unfold();
  talk.unfold();
  return text();
}

describe('a CI system', () => {
  test('that is GitHub gets groups that do not overlap, and notes whose text cannot be a command', () => {
    expect(speak(talkIn({ GITHUB_ACTIONS: 'true' }))).toBe(
      [
        '::group::One',
        '::endgroup::',
        '::group::Two',
        '::error title=CF-X%3A a%2C b::100 %25 gone%0Aremedy: y',
        '::endgroup::',
        '',
      ].join('\n'),
    );
  });

  test('that is GitHub has a summary where it says where', () => {
    const env = { GITHUB_ACTIONS: 'true', GITHUB_STEP_SUMMARY: '/s.md' };
    expect(talkIn(env).talk.summaryFile).toBe('/s.md');
    expect(talkIn({ GITHUB_STEP_SUMMARY: '/s.md' }).talk.summaryFile).toBeUndefined();
  });

  test('that is GitLab gets sections, each ended by its own name', () => {
    expect(speak(talkIn({ GITLAB_CI: 'true' }))).toBe(
      [
        '\u001B[0Ksection_start:1700000000:camofleet_1[collapsed=true]\r\u001B[0KOne',
        '\u001B[0Ksection_end:1700000000:camofleet_1\r\u001B[0K',
        '\u001B[0Ksection_start:1700000000:camofleet_2[collapsed=true]\r\u001B[0KTwo',
        '\u001B[0Ksection_end:1700000000:camofleet_2\r\u001B[0K',
        '',
      ].join('\n'),
    );
  });

  test('that is none gets titles as lines', () => {
    expect(speak(talkIn({ CI: 'true' }))).toBe('\nOne\n\nTwo\n');
  });
});
