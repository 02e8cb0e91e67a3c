/** Another machine, as a network namespace that is wired to this host: it has a way here, and none past it. */
import { randomBytes } from 'node:crypto';
import { execa } from 'execa';

export interface Neighbour extends Disposable {
  /** This host as the neighbour sees it. */
  readonly host: string;
  /** Whether a TCP connection opens from there: `open`, or in a word why not. */
  dial(host: string, port: number): Promise<string>;
}

/** Of one connection; what is dropped says nothing for so long. */
const DIAL_MS = 2_000;
const DIAL = `
const [host, port] = process.argv.slice(1);
const socket = require('node:net').connect({ host, port: Number(port) });
const say = (word) => { console.log(word); process.exit(0); };
socket.on('connect', () => say('open'));
socket.on('error', (error) => say(error.code));
setTimeout(say, ${DIAL_MS}, 'silence');`;

/** Needs root. */
export async function startNeighbour(): Promise<Neighbour> {
  const id = randomBytes(3).toString('hex');
  const [name, here, there] = [`cf-${id}`, `cfh${id}`, `cft${id}`];
  const third = randomBytes(1)[0]!;
  const [host, own] = [`198.18.${third}.1`, `198.18.${third}.2`];
  const ip = (...args: readonly string[]) => execa('ip', args);
  await ip('netns', 'add', name);
  await ip('link', 'add', here, 'type', 'veth', 'peer', 'name', there);
  await ip('link', 'set', there, 'netns', name);
  await ip('address', 'add', `${host}/24`, 'dev', here);
  await ip('link', 'set', here, 'up');
  await ip('-n', name, 'address', 'add', `${own}/24`, 'dev', there);
  await ip('-n', name, 'link', 'set', there, 'up');
  await ip('-n', name, 'route', 'add', 'default', 'via', host);
  return {
    host,
    dial: async (to, port) => {
      const args = ['netns', 'exec', name, process.execPath, '--eval', DIAL, to, String(port)];
      return (await execa('ip', args)).stdout.trim();
    },
    [Symbol.dispose]: () => void execa('ip', ['netns', 'delete', name]),
  };
}
