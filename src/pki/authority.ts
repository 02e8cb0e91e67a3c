import 'reflect-metadata';
import type { webcrypto } from 'node:crypto';
import { rename, writeFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import * as x509 from '@peculiar/x509';
import { CA_DAYS, DAY_MS, LEAF_DAYS, type Pki, readOrUndefined } from './files.js';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
interface Authority {
  readonly certificate: x509.X509Certificate;
  readonly keys: webcrypto.CryptoKeyPair;
}

/** Makes a leaf for the hosts, by the authority that there is or by a new one; says which. */
export async function makeCertificates(
  files: Pki,
  hosts: readonly string[],
  nowMs: number,
): Promise<'leaf renewed' | 'made'> {
  const existing = await readAuthority(files, nowMs);
  await makeLeaf(files, existing ?? (await makeAuthority(files, nowMs)), hosts, nowMs);
  return existing ? 'leaf renewed' : 'made';
}

async function readAuthority(files: Pki, nowMs: number): Promise<Authority | undefined> {
  const [certificateText, keyText] = await Promise.all([
    readOrUndefined(files.caCertificate),
    readOrUndefined(files.caKey),
  ]);
  if (certificateText === undefined || keyText === undefined) return undefined;
  const certificate = new x509.X509Certificate(certificateText);
  if (certificate.notAfter.getTime() - nowMs < LEAF_DAYS * DAY_MS) return undefined;
  const [der] = x509.PemConverter.decode(keyText);
  const privateKey = await crypto.subtle.importKey('pkcs8', der!, ALGORITHM, true, ['sign']);
  return { certificate, keys: { privateKey, publicKey: await certificate.publicKey.export() } };
}

async function makeAuthority(files: Pki, nowMs: number): Promise<Authority> {
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serial(),
    name: 'CN=camofleet throw-away authority',
    notBefore: new Date(nowMs - DAY_MS),
    notAfter: new Date(nowMs + CA_DAYS * DAY_MS),
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  await store(files.caKey, await pemKey(keys.privateKey), 0o600);
  await store(files.caCertificate, certificate.toString('pem'), 0o644);
  return { certificate, keys };
}

async function makeLeaf(files: Pki, authority: Authority, hosts: readonly string[], nowMs: number): Promise<void> {
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const names = hosts.map((host): x509.JsonGeneralName => ({ type: isIP(host) ? 'ip' : 'dns', value: host }));
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serial(),
    subject: `CN=${hosts[0]}`,
    issuer: authority.certificate.subject,
    notBefore: new Date(nowMs - DAY_MS),
    notAfter: new Date(nowMs + LEAF_DAYS * DAY_MS),
    signingAlgorithm: ALGORITHM,
    publicKey: keys.publicKey,
    signingKey: authority.keys.privateKey,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension(names),
      await x509.AuthorityKeyIdentifierExtension.create(authority.certificate.publicKey),
    ],
  });
  await store(files.leafKey, await pemKey(keys.privateKey), 0o600);
  await store(
    files.leafCertificate,
    `${certificate.toString('pem')}\n${authority.certificate.toString('pem')}\n`,
    0o644,
  );
}

/** Atomically, so that a reader never sees half a file. */
async function store(file: string, text: string, mode: number): Promise<void> {
  await writeFile(`${file}.new`, text.endsWith('\n') ? text : `${text}\n`, { mode });
  await rename(`${file}.new`, file);
}

async function pemKey(key: webcrypto.CryptoKey): Promise<string> {
  return x509.PemConverter.encode(await crypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY');
}

/** 127 random bits in hex, positive. */
function serial(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[0]! &= 0x7f;
  return Buffer.from(bytes).toString('hex');
}
