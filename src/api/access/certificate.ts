/** The server's own certificate authority and certificate, made at the first start and before they end; or the user's. */
import 'reflect-metadata';
import { webcrypto, X509Certificate as NodeCertificate } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { join } from 'node:path';
import * as x509 from '@peculiar/x509';

export interface ServerCertificate {
  key: string;
  /** With what leads to its authority. */
  cert: string;
  /** Of our own authority, for whoever wants to trust it; undefined with the user's certificate. */
  ca: string | undefined;
  /** SHA-256 of the certificate, as browsers show it. */
  fingerprint: string;
  /** Unix ms. */
  ends: number;
}

const day = 86_400_000;
const caDays = 3650;
/** Browsers refuse longer ones. */
const certDays = 397;
const renewDays = 30;
const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

/** Names and addresses that it is for. Throws when the folder cannot be written. */
export async function ownCertificate(folder: string, names: readonly string[], now: number): Promise<ServerCertificate> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const at = (name: string): string => join(folder, name);
  const kept = read(at('server.crt'), at('server.key'), at('ca.crt'));
  if (kept && kept.ends - now > renewDays * day && names.every((name) => holds(kept.cert, name))) return kept;
  x509.cryptoProvider.set(webcrypto as unknown as Parameters<typeof x509.cryptoProvider.set>[0]);
  const ca = await authority(at('ca.crt'), at('ca.key'), now);
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const cert = await x509.X509CertificateGenerator.create({
    serialNumber: serial(), subject: [{ CN: [names[0] ?? 'localhost'] }], issuer: ca.cert.subject, notBefore: new Date(now - day), notAfter: new Date(now + certDays * day),
    signingKey: ca.key, publicKey: keys.publicKey, signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension(names.map((name) => ({ type: isIP(name) === 0 ? 'dns' as const : 'ip' as const, value: name }))),
      await x509.AuthorityKeyIdentifierExtension.create(ca.cert.publicKey),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  save(at('server.key'), await pem(keys.privateKey), 0o600);
  save(at('server.crt'), `${cert.toString('pem')}\n${ca.cert.toString('pem')}\n`, 0o644);
  const made = read(at('server.crt'), at('server.key'), at('ca.crt'));
  if (!made) throw new Error(`expected a certificate in ${folder}, got none`);
  return made;
}

/** The user's. Throws when a file cannot be read, or the key does not belong to the certificate. */
export function givenCertificate(certFile: string, keyFile: string): ServerCertificate {
  const given = read(certFile, keyFile, undefined);
  if (!given) throw new Error(`expected a certificate in ${certFile} and its key in ${keyFile}`);
  return given;
}

function read(certFile: string, keyFile: string, caFile: string | undefined): ServerCertificate | undefined {
  if (!existsSync(certFile) || !existsSync(keyFile)) return undefined;
  const cert = readFileSync(certFile, 'utf8');
  const parsed = new NodeCertificate(cert);
  return { key: readFileSync(keyFile, 'utf8'), cert, ca: caFile === undefined ? undefined : readFileSync(caFile, 'utf8'), fingerprint: parsed.fingerprint256, ends: Date.parse(parsed.validTo) };
}

async function authority(certFile: string, keyFile: string, now: number): Promise<{ cert: x509.X509Certificate; key: webcrypto.CryptoKey }> {
  if (existsSync(certFile) && existsSync(keyFile)) {
    const cert = new x509.X509Certificate(readFileSync(certFile, 'utf8'));
    const der = x509.PemConverter.decodeFirst(readFileSync(keyFile, 'utf8'));
    if (cert.notAfter.getTime() - now > certDays * day) return { cert, key: await webcrypto.subtle.importKey('pkcs8', der, algorithm, true, ['sign']) };
  }
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const cert = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serial(), name: [{ CN: [`Moat ${serial().slice(0, 8)}`] }], notBefore: new Date(now - day), notAfter: new Date(now + caDays * day), keys, signingAlgorithm: algorithm,
    extensions: [new x509.BasicConstraintsExtension(true, 0, true), new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true), await x509.SubjectKeyIdentifierExtension.create(keys.publicKey)],
  });
  save(keyFile, await pem(keys.privateKey), 0o600);
  save(certFile, `${cert.toString('pem')}\n`, 0o644);
  return { cert, key: keys.privateKey };
}

const pem = async (key: webcrypto.CryptoKey): Promise<string> => `${x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY')}\n`;
const serial = (): string => `00${Buffer.from(webcrypto.getRandomValues(new Uint8Array(12))).toString('hex')}`;
const holds = (cert: string, name: string): boolean => { const parsed = new NodeCertificate(cert); return (isIP(name) === 0 ? parsed.checkHost(name) : parsed.checkIP(name)) !== undefined; };

/** Whole or not at all. */
function save(path: string, text: string, mode: number): void {
  writeFileSync(`${path}.new`, text, { mode });
  chmodSync(`${path}.new`, mode);
  renameSync(`${path}.new`, path);
}
