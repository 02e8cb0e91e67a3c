/** Programs in the place of Xvfb, x11vnc and browsers, as real children that behave as a test says. */
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const PRELUDE = `#!${process.execPath}
const { appendFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } = require('node:fs');
const { createServer } = require('node:net');
const argv = process.argv.slice(2);
const after = (name) => argv[argv.indexOf(name) + 1];
`;

export const XVFB = {
  /** Lock and socket as Xvfb makes them; leaves both behind when it is ended. */
  good: `
const display = argv[0].slice(1);
mkdirSync('/tmp/.X11-unix', { recursive: true, mode: 0o1777 });
writeFileSync('/tmp/.X' + display + '-lock', String(process.pid).padStart(10) + '\\n');
createServer((socket) => socket.destroy()).listen('/tmp/.X11-unix/X' + display);`,
  exits: `console.error('(EE) no screens found'); process.exit(1);`,
  silent: `setInterval(() => {}, 1000);`,
  stubborn: `process.on('SIGTERM', () => {}); setInterval(() => {}, 1000);`,
};

const RFB_SERVER = (security: string): string => `
const { createCipheriv, randomBytes } = require('node:crypto');
const file = after('-passwdfile').replace('rm:', '');
const password = readFileSync(file, 'utf8').split('\\n')[0];
rmSync(file);
const mirror = (byte) => parseInt(byte.toString(2).padStart(8, '0').split('').reverse().join(''), 2);
const key = Buffer.alloc(8); key.write(password, 'latin1');
const des = key.map(mirror);
const challenge = randomBytes(16);
const cipher = createCipheriv('des-ede3-ecb', Buffer.concat([des, des, des]), null).setAutoPadding(false);
const want = Buffer.concat([cipher.update(challenge), cipher.final()]);
const init = Buffer.alloc(24); init.writeUInt16BE(640, 0); init.writeUInt16BE(480, 2); init[4] = 32;
createServer((socket) => {
  let got = Buffer.alloc(0), step = 0;
  socket.on('error', () => {});
  socket.write('RFB 003.008\\n');
  socket.on('data', (bytes) => {
    got = Buffer.concat([got, bytes]);
    if (step === 0 && got.length >= 12) { step = 1; got = got.subarray(12); socket.write(Buffer.from([1, ${security}])); }
    if (step === 1 && got.length >= 1) { step = 2; got = got.subarray(1); socket.write(${security} === 2 ? challenge : Buffer.alloc(4)); if (${security} === 1) step = 3; }
    if (step === 2 && got.length >= 16) { step = 3; const ok = got.subarray(0, 16).equals(want); got = got.subarray(16); socket.write(Buffer.from([0, 0, 0, ok ? 0 : 1])); }
    if (step === 3 && got.length >= 1) { step = 4; socket.write(init); }
  });
}).listen(Number(after('-rfbport')), after('-listen'));`;

export const X11VNC = {
  /** An RFB server that asks for the password of its file, which it removes. */
  good: RFB_SERVER('2'),
  /** Lets everybody in. */
  open: RFB_SERVER('1'),
  /** Knows another password. */
  other: RFB_SERVER('2').replace('const want =', 'const want = Buffer.alloc(16); const unused ='),
  exits: `console.error('could not obtain listening port'); process.exit(1);`,
  garbage: `createServer((socket) => socket.end('HTTP/1.1 200 OK\\r\\n\\r\\n')).listen(Number(after('-rfbport')), after('-listen'));`,
  silent: `createServer(() => {}).listen(Number(after('-rfbport')), after('-listen'));`,
};

export const BROWSER = {
  good: `setInterval(() => {}, 1000);`,
  exits: `console.error('error while loading shared libraries'); process.exit(127);`,
  playwright: `console.log('Server started at ws://127.0.0.1:4711/canary-guid'); setInterval(() => {}, 1000);`,
};

/** Writes programs that note their arguments and environment, and gives the PATH that holds them and nothing else. */
export function writePrograms(dir: string, programs: Readonly<Record<string, string>>): string {
  const bin = join(dir, 'bin');
  mkdirSync(bin, { recursive: true });
  for (const [name, body] of Object.entries(programs)) {
    const note = `appendFileSync(${JSON.stringify(join(dir, `${name}.note`))}, JSON.stringify({ argv, env: process.env, pid: process.pid }) + '\\n');\n`;
    writeFileSync(join(bin, name), `${PRELUDE}${note}${body}\n`);
    chmodSync(join(bin, name), 0o755);
  }
  return bin;
}

interface Note {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly pid: number;
}

/** How a program was started, each time. */
export function notesOf(dir: string, name: string): readonly Note[] {
  const file = join(dir, `${name}.note`);
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line): Note => JSON.parse(line) as Note);
}
