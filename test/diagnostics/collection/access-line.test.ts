import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { awaitAccessLine } from '../../../src/diagnostics/collection/index.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'camofleet-access-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function line(key: string, router: string): string {
  const fields = { DownstreamStatus: 404, RequestPath: '/x', RouterName: router, 'request_Sec-Websocket-Key': key };
  return `${JSON.stringify({ StartUTC: new Date().toISOString(), ...fields })}\n`;
}

function asked(key: string) {
  const until = Date.now();
  return { key, path: '/x', status: 404, from: until - 1_000, until };
}

test('the line of a request is waited for, behind however much others have written', async () => {
  const file = join(folder, 'access.log');
  writeFileSync(file, line('other', 'theirs').repeat(5_000));
  setTimeout(() => appendFileSync(file, line('own', 'ours')), 150);
  expect(await awaitAccessLine(file, asked('own'))).toMatchObject({ router: 'ours', wsKey: 'own' });
});

test('a line that does not come, a log that is not there and none at all are no line', async () => {
  const file = join(folder, 'access.log');
  writeFileSync(file, line('other', 'theirs'));
  const wanted = asked('own');
  expect(
    await Promise.all([file, join(folder, 'none.log'), undefined].map((one) => awaitAccessLine(one, wanted))),
  ).toEqual([undefined, undefined, undefined]);
});
