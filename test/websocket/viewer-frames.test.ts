import type { Writable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import * as ws from 'ws';
import { OPCODE, type ViewerEvent, ViewerFrames, unmaskMemory } from '../../src/websocket/index.ts';
import { Random } from './support/random.ts';

/** The receiver inside `ws`, which its types leave out. */
const { Receiver } = ws as unknown as { readonly Receiver: new (options: { readonly isServer: boolean }) => Writable };

const space = unmaskMemory(131_072);
/** Where payload is moved to: behind what is read. */
const APART = 65_536;

interface Seen {
  readonly data: Buffer;
  readonly pings: string[];
  readonly pongs: number;
  /** How it ended, as `ws` would tell it. */
  readonly end: { readonly code: number | null; readonly reason: string | undefined } | undefined;
  readonly problem: string | undefined;
}

/** What our receiver sees when the bytes come in these pieces. */
function see(pieces: readonly Buffer[], to: 'apart' | 'in place'): Seen {
  const frames = new ViewerFrames();
  const data: Buffer[] = [];
  const events: ViewerEvent[] = [];
  for (const piece of pieces) {
    space.memory.set(piece, 0);
    const at = to === 'apart' ? APART : 0;
    const length = frames.read(space.memory, space.unmask, 0, piece.length, at);
    data.push(Buffer.from(space.memory.subarray(at, at + length)));
    events.push(...frames.events);
  }
  const last = events.find(({ type }) => type === 'close' || type === 'violation');
  return {
    data: Buffer.concat(data),
    pings: events.flatMap((event) => (event.type === 'ping' ? [event.payload.toString('latin1')] : [])),
    pongs: events.filter(({ type }) => type === 'pong').length,
    end:
      last?.type === 'close'
        ? { code: last.code, reason: last.reason }
        : last?.type === 'violation'
          ? { code: last.code, reason: undefined }
          : undefined,
    problem: last?.type === 'violation' ? last.reason : undefined,
  };
}

interface SeenByWs extends Omit<Seen, 'problem'> {}

async function seeWithWs(pieces: readonly Buffer[]): Promise<SeenByWs> {
  const receiver = new Receiver({ isServer: true });
  const data: Buffer[] = [];
  const pings: string[] = [];
  let pongs = 0;
  let end: Seen['end'];
  receiver.on('message', (message: Buffer, isBinary: boolean) => isBinary && data.push(message));
  receiver.on('ping', (payload: Buffer) => pings.push(payload.toString('latin1')));
  receiver.on('pong', () => (pongs += 1));
  receiver.on('conclude', (code: number, reason: Buffer) => {
    end ??= { code: code === 1005 ? null : code, reason: reason.toString() };
  });
  receiver.on('error', (error: Error) => {
    const [status] = Object.getOwnPropertySymbols(error);
    end ??= { code: status ? (error as unknown as Record<symbol, number>)[status]! : null, reason: undefined };
  });
  for (const piece of pieces) if (!receiver.writableEnded && !receiver.errored) receiver.write(Buffer.from(piece));
  await new Promise(setImmediate); // an error is told a turn later
  return { data: Buffer.concat(data), pings, pongs, end };
}

interface FrameSpec {
  readonly opcode: number;
  readonly payload: Buffer;
  readonly final?: boolean;
  /** Bits of the first byte beside opcode and FIN. */
  readonly reserved?: number;
  readonly masked?: boolean;
  /** How the length is written: as short as it may be, or longer. */
  readonly form?: 'short' | 16 | 64;
}

function encode(spec: FrameSpec, key: Buffer): Buffer {
  const { opcode, payload, final = true, reserved = 0, masked = true } = spec;
  const { length } = payload;
  const form =
    spec.form === 'short' || spec.form === undefined ? (length < 126 ? 0 : length < 65_536 ? 16 : 64) : spec.form;
  const head = Buffer.alloc(form === 0 ? 2 : form === 16 ? 4 : 10);
  head[0] = (final ? 0x80 : 0) | reserved | opcode;
  head[1] = (masked ? 0x80 : 0) | (form === 0 ? length : form === 16 ? 126 : 127);
  if (form === 16) head.writeUInt16BE(length, 2);
  if (form === 64) head.writeBigUInt64BE(BigInt(length), 2);
  return masked
    ? Buffer.concat([head, key, Buffer.from(payload.map((byte, at) => byte ^ key[at & 3]!))])
    : Buffer.concat([head, payload]);
}

function close(code: number | null, reason = ''): Buffer {
  if (code === null) return Buffer.alloc(0);
  const payload = Buffer.alloc(2 + Buffer.byteLength(reason));
  payload.writeUInt16BE(code, 0);
  payload.write(reason, 2);
  return payload;
}

const LENGTHS = [0, 0, 1, 2, 3, 5, 8, 15, 16, 17, 31, 33, 64, 100, 125, 126, 127, 200, 300];

/** Messages in fragments, with control frames between them, and now and then an end. */
function validStream(random: Random): { readonly bytes: Buffer; readonly data: Buffer } {
  const frames: Buffer[] = [];
  const data: Buffer[] = [];
  const add = (spec: FrameSpec): void => void frames.push(encode(spec, random.bytes(4)));
  for (let left = 1 + random.below(4); left > 0; left -= 1) {
    const fragments = random.oneIn(3) ? 2 + random.below(3) : 1;
    for (let index = 0; index < fragments; index += 1) {
      const payload = random.bytes(random.pick(LENGTHS));
      data.push(payload);
      add({
        opcode: index === 0 ? OPCODE.binary : OPCODE.continuation,
        payload,
        final: index === fragments - 1,
        form: random.pick(['short', 'short', 'short', 16, 64] as const),
      });
      if (random.oneIn(4))
        add({ opcode: random.pick([OPCODE.ping, OPCODE.pong]), payload: random.bytes(random.below(20)) });
    }
  }
  if (random.oneIn(3)) {
    const code = random.pick([1000, 1001, 1002, 1011, 3000, 4410, 4999, null]);
    add({ opcode: OPCODE.close, payload: close(code, 'so long'.slice(0, random.below(8))) });
  }
  return { bytes: Buffer.concat(frames), data: Buffer.concat(data) };
}

/** A valid stream with bytes changed, taken out, put in or cut off, or frames that nobody should send. */
function brokenStream(random: Random): Buffer {
  const { bytes } = validStream(random);
  const at = random.below(bytes.length);
  switch (random.below(6)) {
    case 0: {
      const changed = Buffer.from(bytes);
      for (let times = 1 + random.below(3); times > 0; times -= 1)
        changed[random.below(changed.length)] = random.below(256);
      return changed;
    }
    case 1:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + random.below(4))]);
    case 2:
      return Buffer.concat([bytes.subarray(0, at), random.bytes(1 + random.below(6)), bytes.subarray(at)]);
    case 3:
      return bytes.subarray(0, at);
    case 4: {
      const frame = encode(
        {
          opcode: random.below(16),
          payload: random.bytes(random.pick([0, 1, 2, 3, 125, 126])),
          final: !random.oneIn(3),
          reserved: random.pick([0, 0, 0x10, 0x20, 0x40, 0x70]),
          masked: !random.oneIn(4),
        },
        random.bytes(4),
      );
      return Buffer.concat([bytes, frame, bytes]);
    }
    default: {
      const code = random.pick([0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65_535, 1000]);
      const reason = random.pick([Buffer.from([0xff, 0xfe]), Buffer.from('ä'), random.bytes(random.below(6))]);
      const payload = Buffer.concat([close(code), reason]);
      return Buffer.concat([bytes, encode({ opcode: OPCODE.close, payload }, random.bytes(4)), bytes]);
    }
  }
}

/** All at once, one byte at a time, or anyhow. */
function cut(bytes: Buffer, random: Random): Buffer[] {
  const step = random.pick([1, 2, 3, 7, 16, 64, 1_000_000, 0]);
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = step === 0 ? 1 + random.below(40) : step;
    pieces.push(bytes.subarray(at, at + length));
    at += length;
  }
  return pieces;
}

/** `ws` takes text, RFB does not: from there on the two cannot be compared. */
const TEXT = 'a text frame';
const STREAMS = 120_000;

describe('the receiver of viewers', () => {
  test(`sees what ws sees in ${STREAMS} streams, however they are cut`, async () => {
    const seed = Number(process.env['CAMOFLEET_TEST_SEED'] ?? 20_261_125);
    const random = new Random(seed);
    const tally = { valid: 0, ended: 0, violations: 0, text: 0 };
    for (let index = 0; index < STREAMS; index += 1) {
      const valid = random.oneIn(2) ? validStream(random) : undefined;
      const pieces = cut(valid?.bytes ?? brokenStream(random), random);
      const ours = see(pieces, random.oneIn(2) ? 'apart' : 'in place');
      const theirs = await seeWithWs(pieces);
      const where = `stream ${index} of seed ${seed}`;
      if (valid) {
        tally.valid += 1;
        if (!ours.data.equals(valid.data)) throw new Error(`${where}: the payload differs`);
      }
      if (ours.problem === TEXT) {
        tally.text += 1;
        if (!theirs.data.subarray(0, ours.data.length).equals(ours.data.subarray(0, theirs.data.length)))
          throw new Error(`${where}: the payload before the text differs`);
        continue;
      }
      // ws gives whole messages; ours are passed on as they come.
      if (!ours.data.subarray(0, theirs.data.length).equals(theirs.data))
        throw new Error(`${where}: the payload differs`);
      const [mine, other] = [ours, theirs].map(({ pings, pongs, end }) => JSON.stringify({ pings, pongs, end }));
      if (mine !== other) throw new Error(`${where}: ${mine} (${ours.problem}), ws: ${other}`);
      if (ours.end) tally[ours.problem === undefined ? 'ended' : 'violations'] += 1;
    }
    process.stdout.write(`seed ${seed}: ${JSON.stringify(tally)}\n`);
    expect(tally.valid).toBeGreaterThan(STREAMS / 3);
    expect(tally.violations).toBeGreaterThan(STREAMS / 10);
    expect(tally.ended).toBeGreaterThan(STREAMS / 10);
    expect(tally.text).toBeLessThan(STREAMS / 10);
  }, 120_000);

  test('takes a frame of any length in pieces, and keeps nothing of it', () => {
    const key = Buffer.from([1, 2, 3, 4]);
    const frames = new ViewerFrames();
    const head = Buffer.from([0x82, 0xff, 0, 0, 0, 1, 0, 0, 0, 0, ...key]); // 4 GiB
    space.memory.set(head, 0);
    expect(frames.read(space.memory, space.unmask, 0, head.length, APART)).toBe(0);
    for (let read = 0; read < 200; read += 1) {
      space.memory.fill(0, 0, APART - 1); // one byte less than a multiple of four: the mask turns on
      expect(frames.read(space.memory, space.unmask, 0, APART - 1, APART)).toBe(APART - 1);
      const first = (read * (APART - 1)) & 3;
      expect([...space.memory.subarray(APART, APART + 4)]).toEqual([0, 1, 2, 3].map((at) => key[(first + at) & 3]));
    }
    expect(frames.events).toEqual([]);
  });

  test('refuses a length that no number holds, with the code for too long', () => {
    const head = Buffer.from([0x82, 0xff, 0, 0x20, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4]);
    expect(see([head], 'apart').end).toEqual({ code: 1009, reason: undefined });
  });

  test('reads nothing behind a close frame', () => {
    const key = Buffer.alloc(4);
    const bytes = [
      encode({ opcode: OPCODE.close, payload: close(1000) }, key),
      encode({ opcode: OPCODE.binary, payload: Buffer.from('late') }, key),
    ];
    expect(see([Buffer.concat(bytes)], 'in place').data).toHaveLength(0);
    expect(see(bytes, 'in place').data).toHaveLength(0);
  });
});

test('unmask is XOR with the turning key, whatever the lengths and places', () => {
  const random = new Random(7);
  for (let round = 0; round < 2_000; round += 1) {
    const [from, length] = [random.below(300), random.below(200)];
    const to = random.oneIn(2) ? APART + random.below(100) : random.below(from + 1);
    const source = random.bytes(length);
    const key = random.bytes(4);
    space.memory.set(source, from);
    space.unmask(from, to, length, key.readInt32LE(0));
    const wanted = Buffer.from(source.map((byte, at) => byte ^ key[at & 3]!));
    expect(Buffer.from(space.memory.subarray(to, to + length)).equals(wanted), `round ${round}`).toBe(true);
  }
});
