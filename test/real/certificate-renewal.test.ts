/** A certificate that is renewed under open sockets: none is cut, and who comes after it is shown the new one. */
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { once } from 'node:events';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { ensurePki } from '../../src/pki/index.ts';
import { fleetPaths } from '../../src/topology/index.ts';
import { lacks } from '../support/components.ts';
import { type Fleet, startFleet } from '../support/fleet.ts';

const SOCKETS = 5;
/** The supervisor, the gateway and the embedded ingress look every ten seconds; Traefik takes a moment to load. */
const SHOWN_MS = 30_000;

/** The serial number that a new client is shown. */
async function shown(fleet: Fleet): Promise<string> {
  const { host, port } = fleet.topology.public;
  const socket = connect({ host: '127.0.0.1', port, servername: host, ca: fleet.ca, ALPNProtocols: ['http/1.1'] });
  try {
    await once(socket, 'secureConnect');
    return new X509Certificate(socket.getPeerX509Certificate()!.raw).serialNumber;
  } finally {
    socket.destroy();
  }
}

const onDisk = (fleet: Fleet): string =>
  new X509Certificate(readFileSync(join(fleet.dir, '.camofleet', 'pki', 'leaf.pem'))).serialNumber;

async function openSockets(fleet: Fleet): Promise<WebSocket[]> {
  const session = await fleet.createSession({ browser: 'testcard' });
  return Promise.all(
    Array.from({ length: SOCKETS }, async () => {
      const socket = new WebSocket(session.vnc!.ws, 'binary', { ca: fleet.ca, origin: fleet.url });
      await once(socket, 'open');
      return socket;
    }),
  );
}

async function answersPing(socket: WebSocket): Promise<boolean> {
  if (socket.readyState !== WebSocket.OPEN) return false;
  const pong = once(socket, 'pong', { signal: AbortSignal.timeout(5_000) });
  socket.ping();
  return pong.then(
    () => true,
    () => false,
  );
}

async function renews(fleet: Fleet, how: (fleet: Fleet) => Promise<void>): Promise<void> {
  const sockets = await openSockets(fleet);
  const before = await shown(fleet);
  expect(before).toBe(onDisk(fleet));
  await how(fleet);
  const after = onDisk(fleet);
  expect(after).not.toBe(before);
  await expect.poll(() => shown(fleet), { timeout: SHOWN_MS, interval: 250 }).toBe(after);
  expect(await Promise.all(sockets.map(answersPing))).toEqual(sockets.map(() => true));
  for (const socket of sockets) socket.terminate();
}

const byCommand = async (fleet: Fleet): Promise<void> => {
  const { exitCode, stderr } = await fleet.cli(['certs', 'renew', '--force']);
  expect({ exitCode, stderr }).toMatchObject({ exitCode: 0, stderr: expect.stringMatching(/^New: valid until /) });
};

/** As a program does that gets certificates from elsewhere: it knows nothing of us, and tells nobody. */
const byAnotherHand = async (fleet: Fleet): Promise<void> => {
  const { topology, dir } = fleet;
  await ensurePki(fleetPaths(dir), [topology.public.host], Date.now(), { anew: true });
};

describe.skipIf(lacks('traefik'))('behind the real Traefik', () => {
  test('cuts no socket, and new handshakes get it', async () => {
    await using fleet = await startFleet();
    await renews(fleet, byCommand);
    await renews(fleet, byAnotherHand);
  });
});

describe('behind the embedded ingress', () => {
  test('cuts no socket, and new handshakes get it', async () => {
    await using fleet = await startFleet({ programs: ['setpriv'] });
    await renews(fleet, byCommand);
    expect(readFileSync(join(fleet.dir, '.camofleet', 'logs', 'ingress.log'), 'utf8')).toContain('certificate.renewed');
  });
});
