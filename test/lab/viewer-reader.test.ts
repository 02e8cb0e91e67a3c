import { describe, expect, test } from 'vitest';
import { ViewerReader } from '../../src/lab/parts/viewer-reader.ts';
import { OPCODE, encodeFrame } from '../../src/websocket/index.ts';

const PAYLOADS = [
  Buffer.from('p'),
  Buffer.alloc(0),
  Buffer.alloc(125, 1),
  Buffer.alloc(300, 2),
  Buffer.alloc(66_000, 3),
];

describe('frames of a viewer', () => {
  test.each([1, 2, 7, 1_000, 70_000])('are read whole, cut into pieces of %i bytes', (size) => {
    const wire = Buffer.concat(PAYLOADS.map((payload) => encodeFrame(OPCODE.binary, payload)));
    const reader = new ViewerReader();
    const frames = [];
    for (let at = 0; at < wire.length; at += size) frames.push(...reader.feed(wire.subarray(at, at + size)));
    expect(frames.map(({ opcode }) => opcode)).toEqual(PAYLOADS.map(() => OPCODE.binary));
    expect(frames.every(({ payload }, index) => payload.equals(PAYLOADS[index]!))).toBe(true);
  });
});
