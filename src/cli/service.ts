import { Socket } from 'node:net';

/** Why a service is asked to end: an orderly stop (drain), or the supervisor is gone (be quick). */
export type StopReason = 'signal' | 'orphaned';

/**
 * Keeps a service running until SIGTERM or SIGINT, or until the pipe that the supervisor left open closes, then stops
 * it. `CAMOFLEET_LIFELINE_FD` names the pipe's descriptor.
 */
export async function serveUntilStopped(
  service: { stop(reason: StopReason): Promise<void> },
  signal: AbortSignal,
  lifelineFd: string | undefined,
): Promise<void> {
  const signalled = new Promise<StopReason>((resolve) => {
    if (signal.aborted) resolve('signal');
    signal.addEventListener('abort', () => resolve('signal'), { once: true });
  });
  const orphaned = new Promise<StopReason>((resolve) => {
    if (lifelineFd !== undefined) watchLifeline(Number(lifelineFd), () => resolve('orphaned'));
  });
  const reason = await Promise.race([signalled, orphaned]);
  // A supervisor that dies while we drain leaves nobody to wait for: whichever stop ends first ends the service.
  await Promise.race([
    service.stop(reason),
    ...(reason === 'signal' ? [orphaned.then(() => service.stop('orphaned'))] : []),
  ]);
}

/** Calls back when the other end of the pipe is gone, whether it closed or died. */
function watchLifeline(fd: number, gone: () => void): void {
  const pipe = new Socket({ fd, readable: true, writable: false });
  pipe.once('close', gone);
  pipe.on('error', () => {}); // 'close' follows
  pipe.unref();
  pipe.resume();
}
