import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type Socket, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ClientHandshake, ClientSession, type Framebuffer, type ServerInit } from '../../src/rfb/index.ts';
import type { SessionEvent } from '../../src/rfb/client-session.ts';
import { lacks, which } from '../support/components.ts';

const PASSWORD = 'secret12';
const SMALL = '96x64';

/** A display of 160x120 with x11vnc on it. */
interface Display extends AsyncDisposable {
  readonly port: number;
  run(program: string, ...args: string[]): void;
}

async function startDisplay(): Promise<Display> {
  const folder = mkdtempSync(join(tmpdir(), 'camofleet-rfb-'));
  const passwords = join(folder, 'passwords');
  writeFileSync(passwords, PASSWORD, { mode: 0o600 });
  const port = randomInt(20_000, 32_000);
  const xvfb = spawn(
    which('Xvfb')!,
    ['-displayfd', '3', '-screen', '0', '160x120x24', '-nolisten', 'tcp', '-noreset'],
    {
      stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
    },
  );
  const [number] = (await once(xvfb.stdio[3] as Readable, 'data')) as [Buffer];
  const display = `:${number.toString().trim()}`;
  const run = (program: string, ...args: string[]): void =>
    void execFileSync(program, args, { env: { ...process.env, DISPLAY: display }, stdio: 'ignore' });
  run('xsetroot', '-solid', '#2266aa');
  const options = ['-localhost', '-no6', '-forever', '-shared', '-noxdamage', '-quiet', '-xrandr', 'newfbsize'];
  const listen = ['-display', display, '-rfbport', String(port), '-passwdfile', passwords];
  const x11vnc = spawn(which('x11vnc')!, [...listen, ...options], { stdio: 'ignore' });
  return {
    port,
    run,
    [Symbol.asyncDispose]: async () => {
      for (const child of [x11vnc, xvfb]) await stop(child);
      rmSync(folder, { recursive: true });
    },
  };
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

async function dialUntilThere(port: number): Promise<Socket> {
  const deadline = Date.now() + 20_000;
  for (;;) {
    const socket = connect(port, '127.0.0.1');
    const isThere = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true));
      socket.once('error', () => resolve(false));
    });
    if (isThere) return socket;
    if (Date.now() > deadline) throw new Error(`x11vnc does not listen on port ${port}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Everything that the server said, and what came of it. */
interface Recording {
  readonly bytes: Buffer[];
  readonly events: SessionEvent[];
  session?: ClientSession;
  init?: ServerInit;
}

/** Opens a session and keeps asking for what has changed. */
function record(socket: Socket): Recording {
  const recording: Recording = { bytes: [], events: [] };
  const handshake = new ClientHandshake({ password: PASSWORD });
  const take = (bytes: Buffer): void => {
    for (const event of recording.session!.feed(bytes)) {
      recording.events.push(event);
      if (event.type === 'update') socket.write(recording.session!.request(true));
    }
  };
  socket.on('data', (bytes: Buffer) => {
    recording.bytes.push(bytes);
    if (recording.session) {
      take(bytes);
      return;
    }
    for (const event of handshake.feed(bytes)) {
      if (event.type === 'send') socket.write(event.bytes);
      if (event.type !== 'serverInit') continue;
      recording.init = event.init;
      recording.session = new ClientSession(event.init, { keepPicture: true });
      socket.write(recording.session.start());
    }
    if (recording.session) take(handshake.takeRest());
  });
  return recording;
}

/** The colour of the screen; the pointer lies in its middle. */
const colour = ({ session }: Recording): string => (session?.picture ? pixel(session.picture, 5, 5) : 'none');

const pixel = ({ pixels, width }: Framebuffer, x: number, y: number): string =>
  pixels.toString('hex', (y * width + x) * 4, (y * width + x) * 4 + 3);

/** The recorded bytes once more, cut at other places. */
function replay({ bytes }: Recording, size: number): Pick<Recording, 'events'> & { readonly picture: Buffer } {
  const all = Buffer.concat(bytes);
  const handshake = new ClientHandshake({ password: PASSWORD });
  const events: SessionEvent[] = [];
  let session: ClientSession | undefined;
  for (let at = 0; at < all.length; at += size) {
    const piece = all.subarray(at, at + size);
    if (session) events.push(...session.feed(piece));
    else
      for (const event of handshake.feed(piece)) {
        if (event.type !== 'serverInit') continue;
        session = new ClientSession(event.init, { keepPicture: true });
        events.push(...session.feed(handshake.takeRest()));
      }
  }
  return { events, picture: session!.picture!.pixels };
}

describe.skipIf(lacks('xvfb', 'x11vnc', 'xsetroot'))('a session of the real x11vnc', () => {
  let display: Display;
  let socket: Socket;
  let recording: Recording;
  beforeAll(async () => {
    display = await startDisplay();
    socket = await dialUntilThere(display.port);
    recording = record(socket);
  });
  afterAll(async () => {
    socket.destroy();
    await display[Symbol.asyncDispose]();
  });

  const polled = { timeout: 20_000, interval: 50 };

  test('is opened with its password and shows what is on the screen', async () => {
    await expect.poll(() => colour(recording), polled).toBe('2266aa');
    expect(recording.init).toMatchObject({ width: 160, height: 120, format: { bitsPerPixel: 32, trueColour: true } });
  });

  test('follows what changes', async () => {
    display.run('xsetroot', '-solid', '#aa2266');
    await expect.poll(() => colour(recording), polled).toBe('aa2266');
  });

  test('goes on when the screen changes its size', async () => {
    display.run('xrandr', '--newmode', SMALL, '25', '96', '96', '96', '96', '64', '64', '64', '64');
    display.run('xrandr', '--addmode', 'screen', SMALL);
    display.run('xrandr', '-s', SMALL);
    const resized = { type: 'resized', width: 96, height: 64 };
    await expect.poll(() => recording.events, polled).toContainEqual(resized);
    display.run('xsetroot', '-solid', '#00ff10');
    await expect.poll(() => colour(recording), polled).toBe('00ff10');
    expect(recording.session?.picture).toMatchObject({ width: 96, height: 64 });
  });

  test('is the same however its bytes are cut', async () => {
    socket.destroy();
    expect(recording.events.some(({ type }) => type === 'malformed')).toBe(false);
    for (const size of [1, 7, 1_000, 65_536]) {
      const again = replay(recording, size);
      expect(again.events).toEqual(recording.events);
      expect(again.picture.equals(recording.session!.picture!.pixels)).toBe(true);
    }
  });
});
