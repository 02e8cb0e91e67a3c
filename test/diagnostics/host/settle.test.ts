import { describe, expect, test } from 'vitest';
import { CODES, type Code } from '../../../src/diagnostics/codes.ts';
import { type Testimony, settled } from '../../../src/diagnostics/host/settle.ts';
import type { ServerSight } from '../../../src/diagnostics/host/sight.ts';
import { wordsOf } from '../../../src/diagnostics/host/words.ts';
import type { DialFacts } from '../../../src/diagnostics/probe/facts.ts';
import type { Finding } from '../../../src/report/index.ts';

const NOTHING: Testimony = { sight: undefined, words: {}, opened: [], reaped: undefined, isCut: false };
const OPEN: DialFacts = { stage: 'open' };

function finding(code: Code): Finding {
  const { want, remedy, not } = CODES[code];
  return { code, hop: 'runner', severity: 'fail', confidence: 'likely', saw: 'seen', want, remedy, not, evidence: [] };
}

function sight(change: Partial<ServerSight>): ServerSight {
  return {
    dialled: '10.0.0.7:5901',
    address: '10.0.0.7',
    port: undefined,
    owner: undefined,
    lateGreetingMs: undefined,
    busy: undefined,
    ...change,
  };
}

const listens = (...addresses: readonly string[]): ServerSight =>
  sight({
    port: {
      listening: addresses.map((address) => ({ address, port: 5_901, state: 'listen', inode: 1 })),
      established: 0,
    },
    owner: { pid: 1, name: 'x11vnc', openFiles: 1_024, opened: 9, state: 'S' },
  });

function sharper(code: Code, testimony: Partial<Testimony>): Pick<Finding, 'code' | 'confidence'> {
  const [{ code: found, confidence }] = settled([finding(code)], { ...NOTHING, ...testimony }) as [Finding];
  return { code: found, confidence };
}

describe('a runner that refuses', () => {
  test('listens elsewhere, where its kernel says so', () => {
    const loopback = { code: 'CF-RUNNER-LOOPBACK', confidence: 'proven' };
    expect(sharper('CF-RUNNER-REFUSED', { sight: listens('127.0.0.1') })).toEqual(loopback);
    expect(sharper('CF-RUNNER-REFUSED', { sight: listens('127.0.0.1', '::1') })).toEqual(loopback);
    const [said] = settled([finding('CF-RUNNER-REFUSED')], { ...NOTHING, sight: listens('127.0.0.1') });
    expect(said).toMatchObject({
      saw: 'seen; x11vnc listens on 127.0.0.1:5901 alone, and 10.0.0.7:5901 is dialled',
      remedy: CODES['CF-RUNNER-LOOPBACK'].remedy,
    });
  });

  test('listens elsewhere, likely, where only its log says so', () => {
    const words = wordsOf(['The VNC desktop is:      localhost:1', 'PORT=5901']);
    expect(sharper('CF-RUNNER-REFUSED', { words })).toEqual({ code: 'CF-RUNNER-LOOPBACK', confidence: 'likely' });
  });

  test.each(['10.0.0.7', '0.0.0.0', '::'])('is not called so when it listens on %s meanwhile', (address) => {
    expect(sharper('CF-RUNNER-REFUSED', { sight: listens(address) }).code).toBe('CF-RUNNER-REFUSED');
  });

  test('did not outlive its viewer when it had shown a picture, or says so', () => {
    expect(sharper('CF-RUNNER-REFUSED', { opened: [OPEN] })).toEqual({
      code: 'CF-RUNNER-ONE-SHOT',
      confidence: 'likely',
    });
    const words = wordsOf(['26/11/2026 03:02:09 viewer exited.']);
    expect(sharper('CF-RUNNER-REFUSED', { words }).confidence).toBe('likely');
    expect(sharper('CF-RUNNER-REFUSED', { words, sight: listens() })).toEqual({
      code: 'CF-RUNNER-ONE-SHOT',
      confidence: 'proven',
    });
  });

  test('stays what it is when nothing more is known', () => {
    expect(sharper('CF-RUNNER-REFUSED', {})).toEqual({ code: 'CF-RUNNER-REFUSED', confidence: 'likely' });
  });
});

describe('a runner that drops a viewer', () => {
  test('has another one, proven by its log or by its kernel', () => {
    const words = wordsOf(['x', '26/11/2026 denying additional client: 127.0.0.1:38764']);
    expect(words.denied).toMatchObject({ file: 'runner.log', line: 2 });
    expect(sharper('CF-RUNNER-SHARED', { words }).confidence).toBe('proven');
    const busy = sight({ port: { listening: [], established: 2 } });
    expect(sharper('CF-RUNNER-SHARED', { sight: busy }).confidence).toBe('proven');
    expect(sharper('CF-RUNNER-SHARED', {}).confidence).toBe('likely');
  });
});

describe('a runner that is silent', () => {
  const owner = { pid: 1, name: 'x11vnc', openFiles: 1_048_576, opened: 9, state: 'R' };

  test('is late when it greets somebody patient, proven by its limit and its processor', () => {
    expect(sharper('CF-RUNNER-SILENT', { sight: sight({ lateGreetingMs: 7_000 }) })).toEqual({
      code: 'CF-RUNNER-LATE',
      confidence: 'likely',
    });
    expect(sharper('CF-RUNNER-SILENT', { sight: sight({ owner, busy: 0.98 }) })).toEqual({
      code: 'CF-RUNNER-LATE',
      confidence: 'proven',
    });
  });

  test('is silent when it is stopped, or idle, whatever its limit', () => {
    expect(sharper('CF-RUNNER-SILENT', { sight: sight({ owner, busy: 0 }) }).code).toBe('CF-RUNNER-SILENT');
  });
});

test('findings about other hops stay as they are', () => {
  const other = finding('CF-GATEWAY-DOWN');
  expect(settled([other], { ...NOTHING, sight: listens('127.0.0.1'), opened: [OPEN] })).toEqual([other]);
});

test('a runner whose process is stopped is silent, proven', () => {
  const stopped = sight({ owner: { pid: 1, name: 'x11vnc', openFiles: 1_024, opened: 9, state: 'T' } });
  expect(sharper('CF-RUNNER-SILENT', { sight: stopped })).toEqual({ code: 'CF-RUNNER-SILENT', confidence: 'proven' });
});

describe('a session whose server ended under a viewer', () => {
  const reaped = { file: 'control.log', line: 3, text: 'deleting it' };
  const words = wordsOf(['26/11/2026 03:02:09 caught signal: 15']);

  test('was released when the control plane says so, proven; likely when the server was told to end', () => {
    const released = { code: 'CF-CONTROL-RELEASED', confidence: 'proven' };
    expect(sharper('CF-RUNNER-CLOSED', { isCut: true, reaped })).toEqual(released);
    expect(sharper('CF-RUNNER-CLOSED', { isCut: true, words })).toEqual({ ...released, confidence: 'likely' });
  });

  test('was when it showed a picture before, and refuses now', () => {
    expect(sharper('CF-RUNNER-REFUSED', { opened: [OPEN], reaped }).code).toBe('CF-CONTROL-RELEASED');
  });

  test('was not when nobody says so, or when nothing was cut', () => {
    expect(sharper('CF-RUNNER-CLOSED', { isCut: true }).code).toBe('CF-RUNNER-CLOSED');
    expect(sharper('CF-RUNNER-CLOSED', { reaped, words }).code).toBe('CF-RUNNER-CLOSED');
    expect(sharper('CF-RUNNER-REFUSED', { reaped, words }).code).toBe('CF-RUNNER-REFUSED');
    expect(sharper('CF-RUNNER-DISPLAY', { isCut: true, reaped }).code).toBe('CF-RUNNER-DISPLAY');
  });
});
