import { mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Memory } from '../../src/control/memory.ts';
import { CONTROL_MEMORY } from '../../src/settings/index.ts';
import { followEvents } from '../../src/sse/index.ts';
import { passingClock } from '../gateway/support/gateway.ts';
import { SERVICE_KEY, type TestControl, startTestControl, until } from './support/control.ts';
import { startCardRunner } from './support/runner.ts';

const MEMORY_FILE = CONTROL_MEMORY.file;
let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'camofleet-memory-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const fact = (session: string, at: number) => ({ session, jti: `jti-${session}`, at: new Date(at).toISOString() });
const stored = (): { redeemed: [string, number][]; revoked: object[] } =>
  JSON.parse(readFileSync(join(dir, MEMORY_FILE), 'utf8')) as never;

describe('memory', () => {
  const open = async (clock = passingClock()) => ({ clock, ...(await Memory.open(dir, clock)) });
  const token = (clock: { now(): number }, jti: string): [string, number, number] => {
    const iat = Math.floor(clock.now() / 1000) + 1;
    return [jti, iat + 300, iat];
  };

  test('knows after a restart what was redeemed and revoked, and that it is not new', async () => {
    const { clock, memory, isNew } = await open();
    expect(isNew).toBe(true);
    expect(await memory.redeem(...token(clock, 'a'))).toBe('redeemed');
    const revoked = fact('s1', clock.now());
    await memory.revoke(revoked);
    const later = await open(clock);
    expect(later.isNew).toBe(false);
    expect(await later.memory.redeem(...token(clock, 'a'))).toBe('known');
    expect(later.memory.revoked).toEqual([revoked]);
  });

  test('has each fact on the disk before it answers, also when many come at once', async () => {
    const { clock, memory } = await open();
    const names = Array.from({ length: 50 }, (_, n) => `jti-${n}`);
    const answers = await Promise.all(
      names.map(async (name) => {
        const outcome = await memory.redeem(...token(clock, name));
        return outcome === 'redeemed' && stored().redeemed.some(([jti]) => jti === name);
      }),
    );
    expect(answers.every(Boolean)).toBe(true);
    expect(stored().redeemed).toHaveLength(50);
  });

  test('is private, and leaves no half-written file', async () => {
    const { clock, memory } = await open();
    await memory.redeem(...token(clock, 'a'));
    expect(statSync(join(dir, MEMORY_FILE)).mode & 0o777).toBe(0o600);
    expect(readdirSync(dir)).toEqual([MEMORY_FILE]);
  });

  test('refuses a token that is older than all it knows', async () => {
    const { clock, memory } = await open();
    const now = Math.floor(clock.now() / 1000);
    expect(await memory.redeem('old', now + 300, now - 1)).toBe('known');
    expect(await memory.redeem('new', now + 300, now)).toBe('redeemed');
  });

  test('drops what has run out, later than any clock of a gateway sees it', async () => {
    const { clock, memory } = await open();
    await memory.redeem(...token(clock, 'a'));
    clock.pass(330_000);
    await memory.redeem(...token(clock, 'b'));
    expect(stored().redeemed.map(([jti]) => jti)).toEqual(['a', 'b']);
    clock.pass(60_000);
    await memory.redeem(...token(clock, 'c'));
    expect(stored().redeemed.map(([jti]) => jti)).toEqual(['b', 'c']);
  });

  test('drops revocations with their session, and after a month', async () => {
    const { clock, memory } = await open();
    for (const session of ['s1', 's2', 's3']) await memory.revoke(fact(session, clock.now()));
    memory.sessionEnded('s2');
    expect(memory.revoked.map(({ session }) => session)).toEqual(['s1', 's3']);
    clock.pass(31 * 86_400_000);
    await memory.revoke(fact('s4', clock.now()));
    expect(memory.revoked.map(({ session }) => session)).toEqual(['s4']);
  });

  test('takes over what was restored beside it: knows both, and accepts no token from before', async () => {
    const { clock, memory } = await open();
    await memory.redeem(...token(clock, 'a'));
    await memory.revoke(fact('s1', clock.now()));
    renameSync(join(dir, MEMORY_FILE), join(dir, 'backup'));
    const { memory: newer } = await open(clock);
    await newer.redeem(...token(clock, 'b'));
    await newer.revoke(fact('s2', clock.now()));
    renameSync(join(dir, 'backup'), join(dir, CONTROL_MEMORY.restored));
    clock.pass(10_000);
    const made = token(clock, 'c');
    clock.pass(10_000);
    const { memory: merged, isNew } = await open(clock);
    expect(isNew).toBe(false);
    expect(merged.revoked.map(({ session }) => session).toSorted()).toEqual(['s1', 's2']);
    for (const known of [token(clock, 'a'), token(clock, 'b'), made])
      expect(await merged.redeem(...known)).toBe('known');
    expect(await merged.redeem(...token(clock, 'd'))).toBe('redeemed');
    expect(readdirSync(dir)).toEqual([MEMORY_FILE]);
  });

  test('takes no revocation beyond its bound', async () => {
    const { clock, memory } = await open();
    const many = Array.from({ length: 20_000 }, (_, n) => memory.revoke(fact(`s${n}`, clock.now())));
    await Promise.all(many);
    await expect(memory.revoke(fact('one-more', clock.now()))).rejects.toMatchObject({ code: 'CF_MEMORY_FULL' });
  });

  test.each([
    ['cut', '{"version":1,"since":1,"redee'],
    ['empty', ''],
    ['of another shape', '{"version":1,"since":1,"redeemed":[["a"]],"revoked":[]}'],
    ['of another version', '{"version":2,"since":1,"redeemed":[],"revoked":[]}'],
  ])('that is %s is an error, and stays as it is', async (_case, text) => {
    writeFileSync(join(dir, MEMORY_FILE), text);
    await expect(Memory.open(dir, passingClock())).rejects.toMatchObject({ code: 'CF_MEMORY_INVALID' });
    expect(readFileSync(join(dir, MEMORY_FILE), 'utf8')).toBe(text);
  });

  test('that cannot be written is an error at the start', async () => {
    writeFileSync(join(dir, 'file'), '');
    await expect(Memory.open(join(dir, 'file', 'below'), passingClock())).rejects.toMatchObject({ code: 'CF_FILES' });
  });

  test('lets nobody in on a fact that it could not write', async () => {
    const { clock, memory } = await open();
    rmSync(dir, { recursive: true });
    writeFileSync(dir, 'no folder any more');
    await expect(memory.redeem(...token(clock, 'a'))).rejects.toMatchObject({ code: 'CF_FILES' });
    rmSync(dir);
    expect(await memory.redeem(...token(clock, 'a'))).toBe('redeemed');
  });
});

describe('a control plane that restarts', () => {
  const start = (): Promise<TestControl> => startTestControl([], { CAMOFLEET_CONTROL_STATE_DIR: dir });
  const redeem = async (control: TestControl, jti: string): Promise<number> => {
    const iat = Math.floor(control.clock.now() / 1000);
    const answer = await control.askInternal('POST', '/internal/tokens/redeem', { body: { jti, exp: iat + 300, iat } });
    return answer.status;
  };

  test('redeems no token twice', async () => {
    {
      await using control = await start();
      expect(await redeem(control, 'jti-1')).toBe(200);
    }
    await using control = await start();
    expect(await redeem(control, 'jti-1')).toBe(409);
    expect(await redeem(control, 'jti-2')).toBe(200);
  });

  test('tells a gateway that follows it, and one that is new, what was revoked before; each once', async () => {
    {
      await using control = await start();
      await control.ask('POST', '/sessions/runner-1/session-1/revoke', { body: { grant: 'grant-1' } });
    }
    await using control = await start();
    await control.ask('POST', '/sessions/runner-1/session-2/revoke', { body: {} });
    for (const resume of [undefined, '4']) {
      const heard: string[] = [];
      const follower = followEvents({
        url: `http://127.0.0.1:${control.control.internalPort}/internal/gateways/gateway-1/events`,
        headers: { authorization: `Bearer ${SERVICE_KEY}`, ...(resume && { 'last-event-id': resume }) },
        onEvent: ({ name, data }) => heard.push(`${name} ${(JSON.parse(data) as { session: string }).session}`),
        onState: () => {},
        random: () => 0,
      });
      await until(() => heard.length > 1, 'both revocations');
      expect(heard).toEqual(['rights.revoked session-1', 'rights.revoked session-2']);
      follower.stop();
    }
  });

  test('says whether it found its memory', async () => {
    {
      await using control = await start();
      expect(control.lines.join('')).toContain('"level":"warn","event":"control.memory"');
    }
    await using control = await start();
    expect(control.lines.join('')).toMatch(/"level":"info","event":"control.memory".*"found":true/);
  });

  test('that has no folder refuses tokens good once from before its start', async () => {
    await using control = await startTestControl([]);
    const iat = Math.floor(control.clock.now() / 1000) - 5;
    const body = { jti: 'old', exp: iat + 300, iat };
    expect((await control.askInternal('POST', '/internal/tokens/redeem', { body })).status).toBe(409);
  });

  test('forgets a revocation with its session', async () => {
    await using runner = await startCardRunner('runner-1');
    await using control = await startTestControl([runner], { CAMOFLEET_CONTROL_STATE_DIR: dir });
    const made = await control.create();
    await control.ask('POST', `/sessions/runner-1/${made.id}/revoke`, { body: {} });
    expect(stored().revoked).toHaveLength(1);
    await control.ask('DELETE', `/sessions/runner-1/${made.id}`);
    await until(() => control.lines.some((line) => line.includes('"session.ended"')), 'the end');
    await redeem(control, 'jti-1');
    expect(stored().revoked).toEqual([]);
  });
});
