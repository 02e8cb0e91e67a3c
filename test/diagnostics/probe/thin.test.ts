import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { type DialOptions, type DialTarget, dialAnyLine } from '../../../src/diagnostics/probe/index.ts';
import type { ClientMessage } from '../../../src/rfb/index.ts';
import { raw, update } from '../../rfb/support/server-messages.ts';
import { rfbAt } from './support/dialling.ts';
import { startPeer } from './support/peer.ts';
import { type Channel, bare, serveRfb } from './support/rfb.ts';

const SIZE = 256;
const TIMEOUT_MS = 1_500;
const STEP_MS = 20;

/** Whole pictures come in pieces, so many bytes each; small ones at once. */
function slow(bytesAStep: number) {
  return (message: ClientMessage, channel: Channel): void => {
    if (message.type !== 'updateRequest' || message.incremental) return;
    const { width, height } = message;
    const picture = update([raw({ x: 0, y: 0, width, height }, [1, 2, 3])]);
    if (width < SIZE) channel.send(picture);
    else void trickle(picture, bytesAStep, channel);
  };
}

async function trickle(picture: Buffer, bytesAStep: number, channel: Channel): Promise<void> {
  for (let at = 0; at < picture.length; at += bytesAStep) {
    channel.send(picture.subarray(at, at + bytesAStep));
    await sleep(STEP_MS);
  }
}

async function lookAt(bytesAStep: number, more: Partial<DialOptions> = {}) {
  await using server = await startPeer((peer) => {
    peer.stream.on('error', () => {});
    serveRfb(bare(peer), { size: [SIZE, SIZE], onMessage: slow(bytesAStep) });
  });
  const target: DialTarget = rfbAt(server.port);
  const { facts, stream } = await dialAnyLine(target, {
    ca: undefined,
    insecure: false,
    resolve: new Map(),
    keepPicture: false,
    timeoutMs: TIMEOUT_MS,
    signal: new AbortController().signal,
    ...more,
  });
  await stream?.close();
  return facts;
}

describe('a dial over any line', () => {
  test('that carries a picture in time is a dial like any other', async () => {
    const facts = await lookAt(65_536);
    expect(facts).toMatchObject({ stage: 'open', frame: { pixels: SIZE * SIZE } });
    expect(facts.thin).toBeUndefined();
  });

  test('that is thin comes as far as a corner of the picture, and says how much it carries', async () => {
    const facts = await lookAt(500);
    expect(facts).toMatchObject({ stage: 'open', frame: { pixels: 64 * 64 } });
    expect(facts.thin!.bytesPerSecond).toBeGreaterThan(500);
    expect(facts.thin!.bytesPerSecond).toBeLessThan(50_000);
  });
});

test('a server that greets and sends no picture is not slow', async () => {
  await using server = await startPeer((peer) => serveRfb(bare(peer), { size: [SIZE, SIZE], onMessage: () => {} }));
  const { facts } = await dialAnyLine(rfbAt(server.port), {
    ca: undefined,
    insecure: false,
    resolve: new Map(),
    keepPicture: false,
    timeoutMs: TIMEOUT_MS,
    signal: new AbortController().signal,
  });
  expect(facts).toMatchObject({ stage: 'frame', stop: 'silence' });
  expect(facts.flowing).toBeUndefined();
  expect(facts.thin).toBeUndefined();
});
