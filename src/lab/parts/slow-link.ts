import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Stage } from '../stage.js';

const run = promisify(execFile);
/** A poor line, and how long it lets things wait. */
const LIMIT = ['tbf', 'rate', '20mbit', 'burst', '64kb', 'latency', '400ms'];
const MTU = 1_500;
/** `ip` and `tc` answer at once, or something is wrong with them. */
const TIMEOUT_MS = 10_000;

/** A network namespace whose loopback is as slow as a poor line; returns its name. */
export async function openSlowLink(stage: Stage): Promise<string> {
  const name = `vnc-${await stage.port()}`;
  const ip = (...args: readonly string[]) => run(stage.program('ip'), args, { timeout: TIMEOUT_MS });
  await ip('netns', 'add', name);
  stage.defer(async () => void (await ip('netns', 'del', name)));
  await ip('-n', name, 'link', 'set', 'lo', 'mtu', String(MTU), 'up'); // of 65,536 bytes, a packet would not pass the limit
  await ip('netns', 'exec', name, stage.program('tc'), 'qdisc', 'add', 'dev', 'lo', 'root', ...LIMIT);
  return name;
}
