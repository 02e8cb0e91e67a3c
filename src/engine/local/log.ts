import { closeSync, openSync, writeSync } from 'node:fs';
import { type Clock, startJsonLog } from '../../core/index.js';
import { type FleetPaths, serviceLog } from '../../topology/index.js';
import { ENGINE_CHANNELS } from './events.js';

/** Writes what the supervisor does to its log, from now until it is disposed. */
export function startLog(paths: FleetPaths, clock: Clock): Disposable {
  const fd = openSync(serviceLog(paths, 'supervisor'), 'a', 0o600);
  const write = (line: string): void => {
    try {
      writeSync(fd, line);
    } catch {
      // A full disk: what is told here is told to the terminal and in the record too, and a fleet outlives its log.
    }
  };
  const end = startJsonLog(ENGINE_CHANNELS, { write, clock, least: 'info' });
  return {
    [Symbol.dispose]: () => {
      end();
      closeSync(fd);
    },
  };
}
