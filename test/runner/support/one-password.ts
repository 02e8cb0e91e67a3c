import { expect } from 'vitest';
import { startTestGateway } from '../../gateway/support/gateway.ts';
import { Refused, openViewer } from '../../gateway/support/viewer.ts';
import { startTestRunner } from './runner.ts';

/**
 * One password a session: with a single slot, A is released and B starts on the same port; the token of A, still good
 * for a gateway that has heard of nothing, is answered 410, and not a byte of B's picture leaves.
 */
export async function expectOnePasswordASession(browser: string, path: string): Promise<void> {
  await using runner = await startTestRunner({
    slots: 1,
    path,
    env: { RUNNER_VNC_STARTUP_TIMEOUT_SECONDS: '30' },
  });
  await using gateway = await startTestGateway();
  const tokenOf = (session: Awaited<ReturnType<typeof runner.create>>): Promise<string> =>
    gateway.token(session.target!.port, { sid: session.id, pw: session.target!.password });

  const first = await runner.create({ browser });
  const firstToken = await tokenOf(first);
  const viewer = await openViewer(gateway.port, firstToken);
  expect((await viewer.until(24)).readUInt16BE(0)).toBe(first.screen!.width);
  await runner.ask('DELETE', `/sessions/${first.id}`);
  await viewer.closed;

  const second = await runner.create({ browser });
  expect(second.target!.port).toBe(first.target!.port);
  expect(second.target!.password).not.toBe(first.target!.password);
  const refused: unknown = await openViewer(gateway.port, firstToken).catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(Refused);
  const { status, problem, body } = (refused as Refused).answer;
  expect({ status, code: problem.code }).toEqual({ status: 410, code: 'session_ended' });
  expect(body.length).toBeLessThan(1_000);
  expect(await gateway.log('session.refused')).toMatchObject([
    { session: first.id, status: 410, code: 'session_ended', saw: expect.stringContaining('refused the password') },
  ]);

  const own = await openViewer(gateway.port, await tokenOf(second));
  expect((await own.until(24)).readUInt16BE(0)).toBe(second.screen!.width);
  own.socket.close();
}
