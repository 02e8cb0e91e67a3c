import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Agent, request } from 'undici';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import type { PublicSession } from '../../src/api/index.ts';
import { ClientHandshake } from '../../src/rfb/index.ts';
import { type Fleet, startFleet } from '../support/fleet.ts';

interface Viewer {
  readonly closed: Promise<{ readonly code: number; readonly at: number }>;
}

/** Watches a session of the fleet at its public address; resolves when the first picture has come. */
function watch(fleet: Fleet, url: string): Promise<Viewer> {
  const socket = new WebSocket(url, ['binary'], { ca: fleet.ca, perMessageDeflate: false });
  const handshake = new ClientHandshake({ until: 'authenticated' });
  const closed = new Promise<{ code: number; at: number }>((resolve) => {
    socket.once('close', (code) => resolve({ code, at: performance.now() }));
  });
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.on('message', (data: Buffer) => {
      if (handshake.done) return resolve({ closed });
      for (const event of handshake.feed(data)) {
        if (event.type === 'send') socket.send(event.bytes);
        if (event.type === 'authenticated') socket.send(Buffer.from([1]));
      }
    });
  });
}

describe('the viewers of a fleet', () => {
  let fleet: Fleet;
  beforeAll(async () => {
    fleet = await startFleet({ programs: ['setpriv'] });
  });
  afterAll(() => fleet[Symbol.asyncDispose]());

  const create = (): Promise<PublicSession> => fleet.createSession({ browser: 'testcard' });

  /** How the gateway's log says that a session's sockets ended. */
  async function causes(session: string, count: number): Promise<unknown[]> {
    const found = (): Record<string, unknown>[] =>
      readFileSync(join(fleet.dir, '.camofleet', 'logs', 'gateway.log'), 'utf8')
        .split('\n')
        .filter((line) => line.includes('"session.closed"'))
        .map((line): Record<string, unknown> => JSON.parse(line))
        .filter((line) => line['session'] === session);
    await expect.poll(() => found().length, { timeout: 5_000 }).toBe(count);
    return found().map(({ cause, by, code }) => [cause, by, code]);
  }

  test('are told of a release by control within a second, with 4410', async () => {
    const { worker, id, vnc } = await create();
    const viewers = [await watch(fleet, vnc!.ws), await watch(fleet, vnc!.ws)];
    const began = performance.now();
    await fleet.api('DELETE', `/sessions/${worker}/${id}`);
    for (const { code, at } of await Promise.all(viewers.map(({ closed }) => closed))) {
      expect(code).toBe(4410);
      expect(at - began).toBeLessThan(1_000);
    }
    expect(await causes(id, 2)).toEqual([
      ['session_ended', 'control', 4410],
      ['session_ended', 'control', 4410],
    ]);
  });

  test('are told that their rights are gone within a second, with 4403, and renew nothing any more', async () => {
    const { worker, id, vnc } = await create();
    const viewer = await watch(fleet, vnc!.ws);
    const token = new URL(vnc!.ws).searchParams.get('token')!;
    const agent = new Agent({ connect: { ca: fleet.ca } });
    const renew = async (): Promise<number> => {
      const headers = { authorization: `Bearer ${token}` };
      const url = `${fleet.url}/vnc/${id}/token`;
      const { statusCode, body } = await request(url, { method: 'POST', dispatcher: agent, headers });
      await body.dump();
      return statusCode;
    };
    expect(await renew()).toBe(200);
    const began = performance.now();
    await fleet.api('POST', `/sessions/${worker}/${id}/revoke`, {});
    const { code, at } = await viewer.closed;
    expect(code).toBe(4403);
    expect(at - began).toBeLessThan(1_000);
    expect(await renew()).toBe(403);
    expect(await causes(id, 1)).toEqual([['rights_revoked', 'control', 4403]]);
    await fleet.api('DELETE', `/sessions/${worker}/${id}`);
    await agent.close();
  });
});
