import type { Stage } from '../stage.js';
import { openNamespace } from './namespace.js';

/** A poor line, and how long it lets things wait. */
const LIMIT = ['tbf', 'rate', '20mbit', 'burst', '64kb', 'latency', '400ms'];
const MTU = 1_500;

/** A network namespace whose loopback is as slow as a poor line; returns its name. */
export async function openSlowLink(stage: Stage): Promise<string> {
  const { name, ip, run } = await openNamespace(stage);
  await ip('link', 'set', 'lo', 'mtu', String(MTU)); // of 65,536 bytes, a packet would not pass the limit
  await run('tc', 'qdisc', 'add', 'dev', 'lo', 'root', ...LIMIT);
  return name;
}
