/** Passkeys (WebAuthn): what a browser is asked for, and what its answers prove. Which challenge was given to whom is `Challenges`. */
import type { AuthenticationResponseJSON, PublicKeyCredentialCreationOptionsJSON, PublicKeyCredentialRequestOptionsJSON, RegistrationResponseJSON } from '@simplewebauthn/server';
import { createHash } from 'node:crypto';
import type { Account, Passkey } from '../../core/account.ts';
import { Problem } from '../problem.ts';

export const passkeysMost = 20;
/** Base64url characters of the credential's id and of its public key: browsers give ids of 1023 bytes at most, RSA keys of 4096 bits have 530. */
const idMost = 1400, keyMost = 2000;
/** EdDSA, ES256, RS256. */
const algorithms = [-8, -7, -257];

/** The domain that passkeys are bound to, and the addresses by which the console is opened there. */
export interface Domain { domain: string; origins: string[] }
/** What a browser gave; the library looks at each field. */
export interface PasskeyAnswer { id: string; [field: string]: unknown }

// Some 7 MB that nobody pays who has no passkey.
const library = (): Promise<typeof import('@simplewebauthn/server')> => import('@simplewebauthn/server');
const userHandle = (account: Account): string => Buffer.from(account.id).toString('base64url');
const wrong = (cause?: unknown): Problem => new Problem('wrong-credentials', { zh: '通行密钥不对', en: 'the passkey is wrong' }, { cause });

/** Stands for it in addresses: the credential's own id may be longer than they are allowed to be. */
export const shortId = ({ id }: Pick<Passkey, 'id'>): string => createHash('sha256').update(id).digest('hex').slice(0, 16);

/** A device that cannot ask for a finger or a PIN is taken too: it is a second factor then, and no log-on of its own. */
export async function registrationOptions(account: Account, host: string, { domain }: Domain): Promise<PublicKeyCredentialCreationOptionsJSON> {
  const { generateRegistrationOptions } = await library();
  return await generateRegistrationOptions({
    rpName: `Moat ${host}`, rpID: domain, userName: account.name, userDisplayName: account.name, userID: new Uint8Array(Buffer.from(account.id)), attestationType: 'none', supportedAlgorithmIDs: algorithms,
    excludeCredentials: (account.passkeys ?? []).map(namedBy), authenticatorSelection: { residentKey: 'preferred', userVerification: 'preferred' },
  });
}

/** `account`: whose password was right; without one any passkey that asks for a finger or a PIN. */
export async function proofOptions({ domain }: Domain, account?: Account): Promise<PublicKeyCredentialRequestOptionsJSON> {
  const { generateAuthenticationOptions } = await library();
  return await generateAuthenticationOptions({ rpID: domain, ...(account ? { allowCredentials: (account.passkeys ?? []).map(namedBy), userVerification: 'preferred' } : { userVerification: 'required' }) });
}

const namedBy = ({ id, transports }: Passkey): { id: string; transports?: string[] } => ({ id, ...(transports && { transports: [...transports] }) });

/** A new passkey. Throws Problem 'wrong-credentials'. */
export async function registered(answer: PasskeyAnswer, challenge: string, name: string, { domain, origins }: Domain, now: number): Promise<Passkey> {
  const { verifyRegistrationResponse } = await library();
  let found;
  try {
    const response = answer as unknown as RegistrationResponseJSON;
    await mustBePlain(response.response.attestationObject);
    found = await verifyRegistrationResponse({ response, expectedChallenge: challenge, expectedOrigin: origins, expectedRPID: domain, requireUserVerification: false, supportedAlgorithmIDs: algorithms });
  } catch (cause) { throw wrong(cause); }
  if (!found.verified) throw wrong();
  const { credential: { id, publicKey, counter, transports }, credentialBackedUp } = found.registrationInfo;
  const key = Buffer.from(publicKey).toString('base64url');
  if (id.length > idMost || key.length > keyMost) throw wrong();
  const ways = Array.isArray(transports) ? transports.filter((way) => typeof way === 'string' && way.length <= 30).slice(0, 10) : [];
  return { id, name, key, counter, ...(ways.length > 0 && { transports: ways }), created: now, synced: credentialBackedUp };
}

/** Who made the device was not asked. What is said of it all the same brings certificates, and the library would fetch what these name. */
async function mustBePlain(attestation: unknown): Promise<void> {
  const { decodeAttestationObject } = await import('@simplewebauthn/server/helpers');
  if (typeof attestation !== 'string') throw new Error('expected an attestation object');
  const decoded = decodeAttestationObject(new Uint8Array(Buffer.from(attestation, 'base64url')));
  const form: string = decoded.get('fmt');
  if (form !== 'none' && !(form === 'packed' && decoded.get('attStmt').get('x5c') === undefined)) throw new Error(`expected no attestation, got ${form}`);
}

/**
 * How often the device says that it signed, once the signature is right. It must have asked for a finger or a PIN when it is `alone`, without
 * a password. Throws Problem 'wrong-credentials'. Whether the counter went on (`isCopy`) is asked when the account is saved: two may come at once.
 */
export async function proved(answer: PasskeyAnswer, account: Account, challenge: string, { domain, origins }: Domain, { alone }: { alone: boolean }): Promise<number> {
  const passkey = account.passkeys?.find(({ id }) => id === answer.id);
  if (!passkey) throw wrong();
  const { verifyAuthenticationResponse } = await library();
  let found;
  try {
    const response = answer as unknown as AuthenticationResponseJSON;
    const handle = response.response.userHandle;
    if (handle !== undefined && handle !== null && handle !== '' && handle !== userHandle(account)) throw new Error('expected the handle of the account');
    found = await verifyAuthenticationResponse({
      response, expectedChallenge: challenge, expectedOrigin: origins, expectedRPID: domain, requireUserVerification: alone,
      // The library would refuse a counter that went back before it looks at the signature, and anybody could claim that.
      credential: { id: passkey.id, publicKey: new Uint8Array(Buffer.from(passkey.key, 'base64url')), counter: 0 },
    });
  } catch (cause) { throw wrong(cause); }
  if (!found.verified) throw wrong();
  return found.authenticationInfo.newCounter;
}

/** It signed no more often than it had: somebody has a copy. Devices that do not count always say 0. */
export const isCopy = (before: number, counter: number): boolean => (before > 0 || counter > 0) && counter <= before;

/** Then its password alone lets nobody in. */
export const hasSecondFactor = ({ totp, passkeys }: Account): boolean => totp?.confirmed === true || (passkeys?.length ?? 0) > 0;
