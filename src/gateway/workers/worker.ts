import { CamofleetError } from '../../core/index.js';
import type { GatewayConfig } from '../../settings/index.js';
import { warmedUp } from '../events.js';
import { type Front, type FrontDeps, gatewayName, startFront } from '../front.js';
import type { WarmUp } from '../warm-up/index.js';
import { type PrimaryLink, toWorkerSchema } from './messages.js';
import { RemoteDoor } from './remote-door.js';
import { TOLD_CHANNELS } from './told.js';

interface WorkerDeps extends FrontDeps {
  readonly link: PrimaryLink;
  /** Its number, from 1: control knows it as a gateway of its own. */
  readonly number: number;
  /** How it warmed up, where it did. */
  readonly warm: WarmUp | undefined;
  /** A signal to the whole group reaches workers too. */
  readonly signal: AbortSignal;
}

/**
 * One of several processes that share a port: a front of its own, behind the door of its primary, to which it tells
 * everything. Resolves when the primary has had it end, or when it could not start and has said why.
 */
export async function runWorker(config: GatewayConfig, deps: WorkerDeps): Promise<void> {
  const { link, signal } = deps;
  const door = new RemoteDoor(link);
  const drain = Promise.withResolvers<void>();
  const stop = Promise.withResolvers<void>();
  link.listen((told) => {
    const message = toWorkerSchema.parse(told);
    if (message.type === 'drain') drain.resolve();
    else if (message.type === 'stop') stop.resolve();
    else door.hear(message);
  });
  signal.addEventListener('abort', () => drain.resolve(), { once: true });
  for (const channel of TOLD_CHANNELS)
    channel.subscribe((fact: object) => link.send({ type: 'fact', channel: channel.name, fact: { ...fact } }));
  if (deps.warm) warmedUp.publish(deps.warm);
  const front = await tryToStart(config, deps, door);
  if (front) {
    link.send({ type: 'ready', port: front.port });
    await Promise.race([drain.promise.then(() => front.drain()), stop.promise]);
    await front[Symbol.asyncDispose]();
  }
  await link.sendLast({ type: 'done' });
}

/** What a person can mend is the primary's to say, once for all workers. */
async function tryToStart(config: GatewayConfig, deps: WorkerDeps, door: RemoteDoor): Promise<Front | undefined> {
  try {
    return await startFront({ ...config, gatewayId: `${gatewayName(config)}.${deps.number}` }, deps, door);
  } catch (error) {
    if (!(error instanceof CamofleetError)) throw error;
    deps.link.send({ type: 'failed', code: error.code, message: error.message });
    return undefined;
  }
}
