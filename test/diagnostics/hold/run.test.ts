import { describe, expect, test } from 'vitest';
import { type HoldResult, runHold } from '../../../src/diagnostics/hold/index.ts';
import type { HoldProgress } from '../../../src/report/index.ts';
import type { HoldPlan, PlannedStream } from '../../../src/diagnostics/hold/plan.ts';
import { type PeerServer, startPeer } from '../probe/support/peer.ts';
import { rfbAt, socketAt } from '../probe/support/dialling.ts';
import { answerWithFrame, bare, gateway, serveRfb } from '../probe/support/rfb.ts';
import type { ServerSocket } from '../probe/support/websocket.ts';
import { frame } from '../../websocket/support/frames.ts';

function planOf(streams: readonly PlannedStream[], more: Partial<HoldPlan> = {}): HoldPlan {
  return { durationMs: 600, beatMs: 100, afterCutMs: 700, isSearch: false, lastPictureMs: 400, streams, ...more };
}

const at = ({ port }: PeerServer): PlannedStream => ({
  mode: 'still',
  vantage: 'public',
  session: 's',
  traffic: 'viewing',
  afterMs: 0,
  target: socketAt(`ws://127.0.0.1:${port}/websockify`),
});
const rawAt = ({ port }: PeerServer): PlannedStream => ({
  mode: 'still',
  vantage: 'rfb',
  session: 's',
  traffic: 'viewing',
  afterMs: 0,
  target: rfbAt(port),
});

interface Watched extends HoldResult {
  readonly progress: readonly HoldProgress[];
  readonly touches: number;
  readonly tookMs: number;
}

async function hold(plan: HoldPlan, signal = new AbortController().signal): Promise<Watched> {
  const progress: HoldProgress[] = [];
  let touches = 0;
  const began = performance.now();
  const result = await runHold(plan, {
    ca: undefined,
    insecure: false,
    resolve: new Map(),
    signal,
    openTimeoutMs: 3_000,
    onProgress: (one) => progress.push(one),
    touch: async () => void (touches += 1),
    touchEveryMs: 200,
  });
  return { ...result, progress, touches, tookMs: performance.now() - began };
}

/** Answers pings, and lets a test have the socket. */
function pinged(then: (socket: ServerSocket) => void = () => {}): ReturnType<typeof gateway> {
  return gateway({}, (socket) => {
    socket.onFrame((opcode, payload) => opcode === 9 && socket.raw(frame(10, payload)));
    then(socket);
  });
}

const beside = (traffic: PlannedStream['traffic'], afterMs = 0) => ({ traffic, afterMs });

describe('streams beside those of viewers', () => {
  test('say what they are named after and nothing else, and come in the order of the plan', async () => {
    const said: string[] = [];
    await using socket = await startPeer(pinged());
    const plan = planOf([
      { ...at(socket), ...beside('silent', 200) },
      at(socket),
      { ...at(socket), ...beside('silent') },
      { ...at(socket), ...beside('pings') },
      { ...at(socket), ...beside('asks') },
      { ...at(socket), ...beside('pokes') },
    ]);
    const { streams, unopened } = await hold(plan);
    for (const { planned, stream } of streams) said.push(`${planned.traffic} ${stream!.pingsSent > 0}`);
    expect(said).toEqual(['silent false', 'viewing true', 'silent false', 'pings true', 'asks false', 'pokes false']);
    expect(unopened).toEqual([]);
    const [late, , silent, , asks, pokes] = streams.map(({ stream }) => stream!);
    expect(silent!.readings.clocks.viewerMessages.longestMs).toBeGreaterThan(0);
    expect(asks!.bytesOut).toBeGreaterThan(silent!.bytesOut);
    expect(asks!.frames).toBe(silent!.frames);
    expect(pokes!.frames).toBeGreaterThan(silent!.frames);
    expect(late!.readings.ageMs).toBeLessThan(silent!.readings.ageMs - 100);
    await expect.poll(() => socket.open, { timeout: 5_000 }).toBe(0);
  });

  test('that a server does not take are no streams of the hold, and none of its failures', async () => {
    let count = 0;
    await using one = await startPeer((peer) => ((count += 1) === 1 ? pinged()(peer) : peer.stream.destroy()));
    const plan = planOf([at(one), { ...at(one), ...beside('silent') }, { ...at(one), ...beside('pings') }]);
    const { streams, unopened } = await hold(plan);
    expect(streams.map(({ planned, end }) => [planned.traffic, end?.bySelf])).toEqual([['viewing', true]]);
    expect(unopened.map(({ planned }) => planned.traffic)).toEqual(['silent', 'pings']);
  });

  test('of a search are held while one that is silent is open, also behind a first cut', async () => {
    let count = 0;
    const cutFirst = pinged((socket) => {
      if ((count += 1) === 1) setTimeout(() => socket.stream.destroy(), 150);
    });
    await using socket = await startPeer(cutFirst);
    const plan = planOf([at(socket), { ...at(socket), ...beside('silent') }], {
      durationMs: 2_000,
      afterCutMs: 100,
      isSearch: true,
    });
    const { heldMs, streams } = await hold(plan);
    expect(heldMs).toBeGreaterThanOrEqual(1_950);
    expect(streams.map(({ end }) => end?.bySelf)).toEqual([false, true]);
  });
});

describe('a hold', () => {
  test('keeps streams for the duration, pings them, touches the sessions, and ends them itself', async () => {
    await using socket = await startPeer(pinged());
    await using raw = await startPeer((peer) => serveRfb(bare(peer)));
    const { streams, heldMs, progress, touches } = await hold(planOf([at(socket), rawAt(raw)]));
    expect(heldMs).toBeGreaterThanOrEqual(600);
    expect(touches).toBeGreaterThan(0);
    expect(streams.map(({ end }) => end?.bySelf)).toEqual([true, true]);
    expect(streams.map(({ answeredAtEnd }) => answeredAtEnd)).toEqual([true, true]);
    expect(streams[0]!.stream!.pingsSent).toBeGreaterThan(0);
    expect(streams[0]!.stream!.pingsAnswered).toBe(streams[0]!.stream!.pingsSent);
    expect(progress[0]).toMatchObject({ durationMs: 600, open: 2, streams: 2, reconnects: 0 });
    expect(progress.at(-1)!.frames).toBeGreaterThanOrEqual(2);
    await expect.poll(() => [socket.open, raw.open], { timeout: 5_000 }).toEqual([0, 0]);
  });

  test('watches the others for a while after a first cut, also past its own end, and dials the target again', async () => {
    await using cut = await startPeer(pinged((socket) => void setTimeout(() => socket.stream.destroy(), 500)));
    await using raw = await startPeer((peer) => serveRfb(bare(peer)));
    const { streams, heldMs, progress } = await hold(planOf([at(cut), rawAt(raw)]));
    expect(heldMs).toBeGreaterThanOrEqual(1_150);
    expect(streams.map(({ end }) => end?.bySelf)).toEqual([false, true]);
    expect(streams.map(({ after }) => after?.stage)).toEqual(['open', undefined]);
    expect(progress.at(-1)).toMatchObject({ open: 1, reconnects: 1 });
  });

  test('ends when nothing is left to watch', async () => {
    await using cut = await startPeer(pinged((socket) => void setTimeout(() => socket.stream.destroy(), 200)));
    const { streams, tookMs } = await hold(planOf([at(cut)], { durationMs: 60_000, afterCutMs: 60_000 }));
    expect(streams[0]!.end?.bySelf).toBe(false);
    expect(tookMs).toBeLessThan(10_000);
  });

  test('tells a picture that stands still from one that hangs, and dials that one again', async () => {
    let asked = 0;
    await using hanging = await startPeer((peer) =>
      serveRfb(bare(peer), {
        onMessage: (message, channel) => {
          if (message.type === 'updateRequest' && !message.incremental && (asked += 1) === 1)
            answerWithFrame(message, channel);
        },
      }),
    );
    const { streams } = await hold(planOf([rawAt(hanging)]));
    expect(streams[0]).toMatchObject({
      answeredAtEnd: false,
      end: { bySelf: true },
      after: { stage: 'frame', stop: 'silence' },
    });
  });

  test('notes what did not open, and holds the others', async () => {
    await using socket = await startPeer(pinged());
    await using refusing = await startPeer((peer) => peer.stream.end('HTTP/1.1 502 Bad Gateway\r\n\r\n'));
    const { streams } = await hold(planOf([at(socket), at(refusing)]));
    expect(streams.map(({ stream, isAbandoned }) => [stream !== undefined, isAbandoned])).toEqual([
      [true, false],
      [false, false],
    ]);
    expect(streams[1]).toMatchObject({ end: undefined, opening: { stage: 'http', http: { status: 502 } } });
    expect(streams[1]!.dialledAt).toBeGreaterThan(0);
  });

  test('that is interrupted ends at once, asks for no picture, and takes what it did not open for abandoned', async () => {
    await using socket = await startPeer(pinged());
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 400);
    const { streams, tookMs } = await hold(planOf([at(socket)], { durationMs: 60_000 }), controller.signal);
    expect(tookMs).toBeLessThan(10_000);
    expect(streams[0]).toMatchObject({ end: { bySelf: true }, answeredAtEnd: undefined, isAbandoned: false });

    await using silent = await startPeer(() => {});
    const late = new AbortController();
    setTimeout(() => late.abort(), 200);
    const abandoned = await hold(planOf([at(silent)]), late.signal);
    expect(abandoned.streams[0]).toMatchObject({ stream: undefined, isAbandoned: true, end: undefined });
  });

  test('says when it began to end its streams, so that later lines of logs are known to be its own doing', async () => {
    await using socket = await startPeer(pinged());
    const before = Date.now();
    const { endedAt, streams } = await hold(planOf([at(socket)]));
    expect(endedAt).toBeGreaterThanOrEqual(before + 590);
    expect(streams[0]!.end!.at).toBeGreaterThanOrEqual(endedAt);
  });
});
