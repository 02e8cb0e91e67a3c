import { describe, expect, test } from 'vitest';
import { fleetPaths, localPlacement, serviceLog } from '../../src/topology/index.ts';
import { RFB_ALIAS } from '../../src/topology/model.ts';
import { composePlacement } from '../../src/topology/placement.ts';
import { topologyOf } from './support/topology.ts';

const PATHS = fleetPaths('/srv/fleet');

describe('on this host', () => {
  test('everything listens on loopback, and what is dialled is where it listens', () => {
    const { bind, internalBind, dial, rfb, ingress } = localPlacement(topologyOf(''), PATHS);
    expect([bind, ...Object.values(internalBind), ...Object.values(dial), rfb.advertise, ...rfb.allowed]).toEqual(
      Array(9).fill('127.0.0.1'),
    );
    expect(ingress).toMatchObject({ address: '127.0.0.1:8443', isLoopback: true });
  });

  test.each([
    ['0.0.0.0', '0.0.0.0:8443', false],
    ['::', '[::]:8443', false],
    ['::1', '[::1]:8443', true],
  ])('the ingress on %s is reached at %s', (bind, address, isLoopback) => {
    const { ingress } = localPlacement(topologyOf(`public: { bind: "${bind}" }`), PATHS);
    expect(ingress).toMatchObject({ address, isLoopback });
  });

  test.each([
    ['', '/srv/fleet/.camofleet/pki/leaf.pem', '/srv/fleet/.camofleet/pki/leaf.key'],
    ['tls: { mode: files, certificate: c.pem, key: /etc/k.pem }', '/srv/fleet/c.pem', '/etc/k.pem'],
    [
      'tls: { mode: throwaway, certificate: c.pem, key: k.pem }',
      '/srv/fleet/.camofleet/pki/leaf.pem',
      '/srv/fleet/.camofleet/pki/leaf.key',
    ],
  ])('the certificate of %j is %s, beside the topology where it is relative', (yaml, certificate, key) => {
    expect(localPlacement(topologyOf(yaml), PATHS).ingress).toMatchObject({ certificate, key });
  });
});

describe('in containers', () => {
  const placement = composePlacement(topologyOf('public: { bind: 0.0.0.0, port: 443, host: h }'));

  test('services bind every address, and find each other by name', () => {
    expect(placement.bind).toBe('0.0.0.0');
    expect(placement.dial).toEqual({ gateway: 'gateway', runner: 'runner', control: 'control' });
    expect(placement.ingress).toMatchObject({ address: ':443', isLoopback: false });
  });

  test('only the internal listener that another service dials leaves its container', () => {
    expect(placement.internalBind).toEqual({ gateway: '127.0.0.1', runner: '127.0.0.1', control: '0.0.0.0' });
  });

  test('a runner advertises the address behind a name of the RFB network, never that of all replicas', () => {
    expect(placement.rfb.advertise).toBe(RFB_ALIAS);
    expect(Object.values(placement.dial)).not.toContain(RFB_ALIAS);
  });
});

test('everything of a fleet lies beside its topology, and state in one folder', () => {
  const { root: _root, topologyFile, rendered, ...state } = PATHS;
  expect(topologyFile).toBe('/srv/fleet/camofleet.yaml');
  expect(Object.values(state).filter((path) => !path.startsWith('/srv/fleet/.camofleet'))).toEqual([]);
  expect(rendered('local')).toBe('/srv/fleet/.camofleet/rendered/local');
  expect(serviceLog(PATHS, 'gateway')).toBe('/srv/fleet/.camofleet/logs/gateway.log');
  expect(fleetPaths('/srv/fleet', '/srv/fleet/other.yaml').topologyFile).toBe('/srv/fleet/other.yaml');
});
