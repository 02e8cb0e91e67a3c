import { existsSync } from 'node:fs';
import { randomInt } from 'node:crypto';
import type { RunningProcess } from '../../processes/index.js';
import type { Stage } from '../stage.js';

export interface Screen {
  /** `:123` */
  readonly display: string;
  readonly process: RunningProcess;
}

export interface RfbServer {
  readonly port: number;
  readonly process: RunningProcess;
}

interface ScreenOptions {
  /** The picture changes about five times a second; otherwise it is still. */
  readonly moving?: boolean;
  readonly size?: string;
  readonly namespace?: string;
  /** Beside the usual ones, of Xvfb. */
  readonly args?: readonly string[];
}

/** Xvfb, on which nothing runs or a colour changes. */
export async function startScreen(stage: Stage, options: ScreenOptions = {}): Promise<Screen> {
  const number = randomInt(1_000, 30_000);
  const display = `:${number}`;
  const args = [display, '-screen', '0', options.size ?? '640x480x24', '-nolisten', 'tcp', '-noreset', '-ac'].concat(
    options.args ?? [],
  );
  const { namespace } = options;
  const isThere = async (): Promise<true | string> =>
    existsSync(`/tmp/.X11-unix/X${number}`) || 'its socket is not there';
  const process = await stage.start({ program: 'Xvfb', args, namespace, ready: isThere });
  const paint = 'while :; do xsetroot -solid "#00$((RANDOM % 90 + 10))00"; sleep 0.2; done';
  if (options.moving) await stage.start({ program: 'bash', args: ['-c', paint], env: { DISPLAY: display } });
  return { display, process };
}

interface X11vncOptions {
  readonly display: string;
  /** Beside the display and the port; without them anybody may look, one after another and together. */
  readonly args?: readonly string[];
  /** The address that it listens on. */
  readonly listen?: string;
  readonly port?: number;
  readonly namespace?: string;
}

const SHARED = ['-forever', '-shared', '-nopw'];

/** x11vnc on a display. */
export async function startX11vnc(stage: Stage, options: X11vncOptions): Promise<RfbServer> {
  const { display, args = SHARED, listen = '127.0.0.1', namespace } = options;
  const port = options.port ?? (await stage.port());
  const where = ['-display', display, '-rfbport', String(port), '-no6', '-listen', listen, '-norc', '-nolookup'];
  const process = await stage.start({ program: 'x11vnc', args: [...where, ...args], port, namespace });
  return { port, process };
}
