import { once } from 'node:events';
import { readFile, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { errorText } from '../core/index.js';
import { identify } from '../processes/index.js';

/** Who holds X displays, as the lock files and sockets under one folder say. */
export interface XDisplays {
  /** In words, who holds the display; undefined when it is free. Removes what a dead server left behind. */
  holder(display: number): Promise<string | undefined>;
  socketPath(display: number): string;
}

/** The displays of this host; `folder` holds `.X<n>-lock` and `.X11-unix/`. */
export function hostDisplays(folder = '/tmp'): XDisplays {
  const lockPath = (display: number): string => `${folder}/.X${display}-lock`;
  const socketPath = (display: number): string => `${folder}/.X11-unix/X${display}`;
  return {
    socketPath,
    holder: async (display) => {
      if (await answers(socketPath(display))) return 'an X server answers on its socket';
      try {
        const pid = await lockOwner(lockPath(display));
        if (pid !== undefined && identify(pid)) return `its lock file names process ${pid}, which lives`;
        await rm(lockPath(display), { force: true });
        await rm(socketPath(display), { force: true });
        return undefined;
      } catch (error) {
        return `what is left of its last server cannot be removed: ${errorText(error)}`; // another user's
      }
    },
  };
}

/** The process that a lock file names; undefined for no file or no number. */
async function lockOwner(path: string): Promise<number | undefined> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  const pid = Number.parseInt(text.trim(), 10);
  return Number.isInteger(pid) && pid > 0 ? pid : undefined;
}

/** Whether something accepts on a unix socket: a file alone proves nothing. */
export async function answers(path: string): Promise<boolean> {
  const socket = connect(path);
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false; // refused or absent
  } finally {
    socket.destroy();
  }
}
