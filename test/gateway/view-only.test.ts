import { describe, expect, test } from 'vitest';
import { encodeSetEncodings, encodeUpdateRequest } from '../../src/rfb/index.ts';
import { ViewOnlyFilter } from '../../src/gateway/view-only.ts';
import { startTestGateway } from './support/gateway.ts';
import { startTestRunner } from './support/runner.ts';
import { openViewer } from './support/viewer.ts';

const UPDATE = encodeUpdateRequest(true, { x: 0, y: 0, width: 64, height: 48 });
const FENCE = Buffer.concat([Buffer.from([248, 0, 0, 0, 0, 0, 0, 1, 3]), Buffer.from('abc')]);
const CONTINUOUS = Buffer.from([150, 1, 0, 0, 0, 0, 0, 64, 0, 48]);
const PIXEL_FORMAT = Buffer.alloc(20);
const PASSES = [UPDATE, FENCE, CONTINUOUS, PIXEL_FORMAT];

const KEY = Buffer.from([4, 1, 0, 0, 0, 0, 0, 65]);
const QEMU_KEY = Buffer.from([255, 0, 0, 1, 0, 0, 0, 65, 0, 0, 0, 30]);
const POINTER = Buffer.from([5, 1, 0, 1, 0, 1]);
const CUT_TEXT = Buffer.concat([Buffer.from([6, 0, 0, 0, 0, 0, 0, 5]), Buffer.from('hello')]);
const EXTENDED_CUT_TEXT = Buffer.concat([Buffer.from([6, 0, 0, 0, 0xff, 0xff, 0xff, 0xfc]), Buffer.from([2, 0, 0, 1])]);
const XVP = Buffer.from([250, 0, 1, 2]);
const RESIZE = Buffer.concat([Buffer.from([251, 0, 0, 64, 0, 48, 1, 0]), Buffer.alloc(16)]);
const DROPPED = [KEY, QEMU_KEY, POINTER, CUT_TEXT, EXTENDED_CUT_TEXT, XVP, RESIZE];

/** Every message that passes with every message that does not behind it. */
const MIXED = Buffer.concat(PASSES.flatMap((pass) => [pass, ...DROPPED]));

describe('a viewer who may only view', () => {
  test.each([1, 2, 7, MIXED.length])('sends on what asks for pictures and nothing else, cut at %i bytes', (size) => {
    const filter = new ViewOnlyFilter();
    const passed: Buffer[] = [];
    for (let at = 0; at < MIXED.length; at += size) passed.push(filter.filter(MIXED.subarray(at, at + size)).pass);
    expect(Buffer.concat(passed)).toEqual(Buffer.concat(PASSES));
  });

  test('cannot ask for pointer events of a length that the filter does not expect', () => {
    const { pass } = new ViewOnlyFilter().filter(encodeSetEncodings([0, -316, 16]));
    expect(pass).toEqual(encodeSetEncodings([0, 16]));
  });

  test('ends with the first message that cannot be told, and nothing behind it passes', () => {
    const filter = new ViewOnlyFilter();
    const first = filter.filter(Buffer.concat([UPDATE, Buffer.from([99]), UPDATE]));
    expect(first).toEqual({ pass: UPDATE, unknown: 99 });
    expect(filter.filter(UPDATE).pass.length).toBe(0);
  });

  test('moves nothing on the screen through the gateway', async () => {
    await using runner = await startTestRunner();
    await using gateway = await startTestGateway();
    const viewer = await openViewer(gateway.port, await gateway.token(runner.port, { rights: 'view' }));
    const connection = await runner.next();
    viewer.send(Buffer.concat([...DROPPED, UPDATE]));
    expect(await connection.until(UPDATE.length)).toEqual(UPDATE);
    viewer.send(Buffer.from([99]));
    expect((await viewer.closed).code).toBe(1002);
    const [line] = await gateway.log('session.closed');
    expect(line).toMatchObject({ cause: 'protocol_error', bytesUp: UPDATE.length });
  });

  test('is the viewer of a map entry that says so', async () => {
    await using runner = await startTestRunner({ password: undefined });
    await using gateway = await startTestGateway({
      VNC_MAP_JSON: JSON.stringify({ wall: { host: '127.0.0.1', port: runner.port, view_only: true } }),
    });
    const viewer = await openViewer(gateway.port, 'wall');
    const connection = await runner.next();
    viewer.send(Buffer.concat([KEY, UPDATE]));
    expect(await connection.until(UPDATE.length)).toEqual(UPDATE);
    viewer.socket.terminate();
  });
});
