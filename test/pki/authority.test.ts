import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, createServer } from 'node:tls';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Pki, ensurePki } from '../../src/pki/index.ts';

const DAY_MS = 86_400_000;
const HOSTS = ['localhost', '127.0.0.1', '::1'];
const NOW = Date.now();
let folder: string;
let files: Pki;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'camofleet-pki-'));
  const at = (name: string): string => join(folder, name);
  files = {
    caCertificate: at('ca.pem'),
    caKey: at('ca.key'),
    leafCertificate: at('leaf.pem'),
    leafKey: at('leaf.key'),
  };
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const leaf = async (): Promise<X509Certificate> => new X509Certificate(await readFile(files.leafCertificate));

test('a TLS client that trusts the authority accepts the leaf', async () => {
  expect(await ensurePki(files, HOSTS, NOW)).toBe('made');
  const server = createServer({ cert: await readFile(files.leafCertificate), key: await readFile(files.leafKey) });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const socket = connect({
    host: '127.0.0.1',
    port,
    servername: 'localhost',
    ca: await readFile(files.caCertificate),
  });
  await once(socket, 'secureConnect');
  expect(socket.authorized).toBe(true);
  socket.destroy();
  server.close();
});

test('keys can be read by their owner alone', async () => {
  await ensurePki(files, HOSTS, NOW);
  for (const key of [files.caKey, files.leafKey]) expect((await stat(key)).mode & 0o777).toBe(0o600);
});

test('a leaf with more than 14 days left is kept', async () => {
  await ensurePki(files, HOSTS, NOW);
  const before = await leaf();
  expect(await ensurePki(files, HOSTS, NOW + 75 * DAY_MS)).toBe('kept');
  expect((await leaf()).serialNumber).toBe(before.serialNumber);
});

test('a leaf with less than 14 days left is renewed by the same authority', async () => {
  await ensurePki(files, HOSTS, NOW);
  const authority = await readFile(files.caCertificate, 'utf8');
  expect(await ensurePki(files, HOSTS, NOW + 77 * DAY_MS)).toBe('leaf renewed');
  expect(await readFile(files.caCertificate, 'utf8')).toBe(authority);
  expect((await leaf()).checkIssued(new X509Certificate(authority))).toBe(true);
});

test('a new host renews the leaf, which then covers every host', async () => {
  await ensurePki(files, HOSTS, NOW);
  expect(await ensurePki(files, ['fleet.example', ...HOSTS], NOW)).toBe('leaf renewed');
  const renewed = await leaf();
  expect([renewed.checkHost('fleet.example'), renewed.checkIP('127.0.0.1'), renewed.checkIP('::1')]).not.toContain(
    undefined,
  );
});
