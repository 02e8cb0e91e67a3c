import { isIP } from 'node:net';
import { isLoopback, isPrivate, nearest } from '../../core/index.js';
import { NO_BROWSER, TEST_CARDS } from '../../settings/index.js';
import type { Rule } from './rule.js';

/** Swarm publishes a port at every address of a node, whatever the file says. */
const swarmBind: Rule = ({ engine, public: publicSide }) => {
  if (engine !== 'swarm' || EVERY_ADDRESS.includes(publicSide.bind)) return [];
  return [
    {
      id: 'topology.swarm-bind',
      severity: 'fail',
      path: 'public.bind',
      saw: publicSide.bind,
      want: '0.0.0.0 or ::, because Swarm publishes a port at every address of a node',
      remedy: 'public.bind: 0.0.0.0',
    },
  ];
};

const EVERY_ADDRESS = ['0.0.0.0', '::'];

const openIdentity: Rule = ({ gateway, public: publicSide }) => {
  if (gateway.identity !== 'open' || isLoopback(publicSide.bind)) return [];
  return [
    {
      id: 'topology.open-identity',
      severity: 'warn',
      path: 'gateway.identity',
      saw: `numeric ids open screens without a token on ${publicSide.bind}`,
      want: 'tokens wherever others can reach the ingress',
      remedy: 'gateway.identity: token',
    },
  ];
};

const certificate: Rule = ({ tls }) => {
  const missing = tls.mode === 'files' ? (['certificate', 'key'] as const).filter((name) => !tls[name]) : [];
  const account = tls.mode === 'acme' && !tls.email ? (['email'] as const) : [];
  return [...missing, ...account].map((name) => ({
    id: 'topology.tls-files' as const,
    severity: 'fail' as const,
    path: `tls.${name}`,
    saw: 'not set',
    want: `a value, because tls.mode is ${tls.mode}`,
    remedy: name === 'email' ? 'tls.email: you@example.com' : `tls.${name}: PATH of the PEM file`,
  }));
};

/** An authority on the internet signs only for names that it can reach, and only Traefik asks it. */
const acme: Rule = ({ tls, public: publicSide, ingress }) => {
  if (tls.mode !== 'acme') return [];
  const shared = { id: 'topology.acme', severity: 'fail' } as const;
  const { host } = publicSide;
  return [
    ...(isLoopback(host) || isIP(host) !== 0
      ? [
          {
            ...shared,
            path: 'public.host',
            saw: `${host}, and tls.mode is acme`,
            want: 'a public name: no authority signs for this one',
            remedy: 'tls.mode: throwaway',
          },
        ]
      : []),
    ...(ingress.kind === 'embedded'
      ? [
          {
            ...shared,
            path: 'ingress.kind',
            saw: 'embedded, and tls.mode is acme',
            want: 'Traefik: the embedded ingress asks no authority for certificates',
            remedy: 'ingress.kind: traefik',
          },
        ]
      : []),
  ];
};

/** Labels are read from the Docker of one host. */
const dockerProvider: Rule = ({ engine, ingress }) => {
  if (ingress.provider !== 'docker' || engine === 'compose') return [];
  return [
    {
      id: 'topology.docker-provider',
      severity: 'fail',
      path: 'ingress.provider',
      saw: `docker, and engine is ${engine}`,
      want: 'file: labels of containers are read on Compose alone',
      remedy: engine === 'local' ? 'engine: compose' : 'ingress.provider: file',
    },
  ];
};

/** RFB is clear text, and each of these hosts publishes it at its address. */
const runnerHosts: Rule = ({ engine, runner, gateway }) => {
  if (runner.hosts.length === 0) return [];
  const shared = { id: 'topology.runner-hosts', path: 'runner.hosts' } as const;
  const elsewhere = engine === 'compose' ? [] : [engine];
  const nowhere = runner.hosts.filter((host) => isLoopback(host) || EVERY_ADDRESS.includes(host));
  const open = runner.hosts.filter((host) => !isPrivate(host) && !nowhere.includes(host));
  return [
    ...elsewhere.map((name) => ({
      ...shared,
      severity: 'fail' as const,
      saw: `${runner.hosts.join(', ')}, and engine is ${name}`,
      want: 'no hosts: other engines place runners in their own way',
      remedy: name === 'local' ? 'engine: compose' : 'runner.hosts: []',
    })),
    ...(gateway.identity === 'open' ? ['open'] : []).map((identity) => ({
      ...shared,
      path: 'gateway.identity',
      severity: 'fail' as const,
      saw: `${identity}, and runners stand on ${runner.hosts.join(', ')}`,
      want: 'token: a numeric id cannot say which host it means',
      remedy: 'gateway.identity: token',
    })),
    ...nowhere.map((host) => ({
      ...shared,
      severity: 'fail' as const,
      saw: host,
      want: 'an address at which the gateway reaches that host',
      remedy: 'runner.hosts: the addresses of the private network between the hosts',
    })),
    ...open.map((host) => ({
      ...shared,
      severity: 'warn' as const,
      saw: `${host}, which the internet routes: RFB is published there in clear text`,
      want: 'an address of a private network, such as that of WireGuard',
      remedy: 'runner.hosts: the addresses of the private network between the hosts',
    })),
  ];
};

const publicHost: Rule = ({ public: publicSide }) => {
  if (isLoopback(publicSide.bind) || !isLoopback(publicSide.host)) return [];
  return [
    {
      id: 'topology.public-host',
      severity: 'warn',
      path: 'public.host',
      saw: `${publicSide.host}, while the ingress listens on ${publicSide.bind}`,
      want: 'the name that viewers elsewhere can resolve: every URL that is handed out carries it',
      remedy: 'public.host: the name that viewers type',
    },
  ];
};

const defaultBrowser: Rule = ({ runner }) => {
  const names = [...Object.keys(runner.browsers), ...TEST_CARDS, NO_BROWSER];
  if (runner.defaultBrowser === '' || names.includes(runner.defaultBrowser)) return [];
  return [
    {
      id: 'topology.default-browser',
      severity: 'fail',
      path: 'runner.defaultBrowser',
      saw: runner.defaultBrowser,
      want: `one of ${names.join(', ')}`,
      remedy: `runner.defaultBrowser: ${nearest(runner.defaultBrowser, names) ?? names[0]}`,
    },
  ];
};

export const trustRules: readonly Rule[] = [
  swarmBind,
  openIdentity,
  certificate,
  acme,
  dockerProvider,
  runnerHosts,
  publicHost,
  defaultBrowser,
];
