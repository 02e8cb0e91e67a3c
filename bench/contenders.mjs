/** What is compared: how each is started, where it listens, and what it cannot do. */
import { accessSync, constants, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const MANY = 'a process a viewer: so many were not tried';

/**
 * `start` gets { port, backend, folder, tls } and gives the command line and its environment. `skips`: scenarios left
 * out, with the reason. `needs`: a program that must be installed.
 */
export const CONTENDERS = [
  {
    name: 'camofleet',
    what: 'this gateway',
    scheme: 'ws',
    path: '/websockify?token=t0',
    tls: true,
    start: ({ port, backend, folder, tls }) => ({
      command: [
        process.execPath,
        join(dirname(here), 'bin', 'run.js'),
        'gateway',
        ...(tls ? ['--tls-cert', join(folder, 'cert.pem'), '--tls-key', join(folder, 'key.pem')] : []),
      ],
      env: {
        HTTP_HOST: '127.0.0.1',
        HTTP_PORT: String(port),
        CAMOFLEET_GATEWAY_INTERNAL_PORT: '0',
        VNC_MAP_JSON: JSON.stringify({ t0: { host: '127.0.0.1', port: backend } }),
        MAX_CONCURRENT_SESSIONS: '10000',
        LOG_LEVEL: 'warn',
      },
    }),
  },
  {
    name: 'websockify',
    what: 'in Python, a process a viewer',
    needs: 'websockify',
    scheme: 'ws',
    path: '/websockify?token=t0',
    tls: true,
    skips: { 'idle-2000': MANY, churn: 'a minute and more a round' },
    start: ({ port, backend, folder, tls }) => {
      const targets = join(folder, 'targets.cfg');
      writeFileSync(targets, `t0: 127.0.0.1:${backend}\n`);
      return {
        command: [
          'websockify',
          ...(tls ? ['--cert', join(folder, 'cert.pem'), '--key', join(folder, 'key.pem')] : []),
          ...['--token-plugin', 'TokenFile', '--token-source', targets, `127.0.0.1:${port}`],
        ],
      };
    },
  },
  {
    name: 'haproxy',
    what: 'TCP mode: no WebSocket, native code',
    needs: 'haproxy',
    scheme: 'tcp',
    start: ({ port, backend, folder }) => {
      const config = join(folder, 'haproxy.cfg');
      writeFileSync(config, haproxyConfig(port, backend));
      return { command: ['haproxy', '-db', '-f', config] };
    },
  },
  {
    name: 'tcp-relay',
    what: 'TCP in Node, pipe and nothing else: no WebSocket',
    scheme: 'tcp',
    start: ({ port, backend }) => ({
      command: [process.execPath, join(here, 'tcp-relay.mjs'), String(port), String(backend)],
    }),
  },
];

/** The path of an installed program, or undefined. */
export function installed(program) {
  for (const folder of [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin']) {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return join(folder, program);
    } catch {
      // not in this folder
    }
  }
  return undefined;
}

function haproxyConfig(port, backend) {
  return `global
  maxconn 9000
  nbthread 1
defaults
  mode tcp
  maxconn 9000
  timeout connect 5s
  timeout client 1h
  timeout server 1h
listen relay
  bind 127.0.0.1:${port}
  server runner 127.0.0.1:${backend}
`;
}
