/** What the browser does for passkeys: a device is asked, its answer goes to the server as JSON. */
import { ask } from './client.ts';

/** As the server sends them: bytes are base64url. */
interface Named { id: string; transports?: AuthenticatorTransport[] }
interface Making { challenge: string; rp: { id?: string; name: string }; user: { id: string; name: string; displayName: string }; pubKeyCredParams: { type: 'public-key'; alg: number }[]; excludeCredentials?: Named[]; authenticatorSelection?: AuthenticatorSelectionCriteria; timeout?: number; attestation?: AttestationConveyancePreference }
interface Proving { challenge: string; rpId?: string; allowCredentials?: Named[]; userVerification?: UserVerificationRequirement; timeout?: number }
export interface Begun<Options = Proving> { ticket: string; options: Options }
/** Sent back with the ticket. */
export interface PasskeyProof { ticket: string; response: object }

/** Why the browser did not do it. cancelled: by the person, or they took too long; elsewhere: the console is open by another name; known: the device has one for this account. */
export type PasskeyFault = { why: 'cancelled' } | { why: 'known' } | { why: 'elsewhere'; domain: string } | { why: 'browser'; said: string };
export class PasskeyError extends Error {
  readonly fault: PasskeyFault;
  constructor(fault: PasskeyFault, cause?: unknown) {
    super(fault.why, { cause });
    this.name = 'PasskeyError';
    this.fault = fault;
  }
}

/** An old browser, or a connection without encryption, has none. */
export const hasPasskeys = (): boolean => 'PublicKeyCredential' in globalThis && isSecureContext;
/** Browsers bind passkeys to a domain: an address is none. */
export const isAtAddress = (): boolean => /^[\d.]+$|^\[/.test(location.hostname);

const bytes = (text: string): ArrayBuffer => {
  const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  return Uint8Array.from(binary, (char) => char.codePointAt(0)!).buffer;
};
const text = (buffer: ArrayBuffer): string => {
  let binary = '';
  for (const byte of new Uint8Array(buffer)) binary += String.fromCodePoint(byte);
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
};
const named = (list: readonly Named[] = []): PublicKeyCredentialDescriptor[] => list.map(({ id, transports }) => ({ type: 'public-key', id: bytes(id), ...(transports && { transports }) }));

async function credential(domain: string | undefined, work: () => Promise<Credential | null>): Promise<PublicKeyCredential> {
  const here = location.hostname;
  if (domain !== undefined && here !== domain && !here.endsWith(`.${domain}`)) throw new PasskeyError({ why: 'elsewhere', domain });
  try {
    return await work() as PublicKeyCredential;
  } catch (error) {
    const { name, message } = error as DOMException;
    throw new PasskeyError(name === 'NotAllowedError' || name === 'AbortError' ? { why: 'cancelled' } : name === 'InvalidStateError' ? { why: 'known' } : { why: 'browser', said: message }, error);
  }
}

/** @throws ApiError, PasskeyError */
export async function makePasskey(password: string, name: string): Promise<{ recovery?: string[] }> {
  const { ticket, options } = await ask<Begun<Making>>('POST', '/passkeys/options', { body: { password } });
  const made = await credential(options.rp.id, () => navigator.credentials.create({ publicKey: { ...options, challenge: bytes(options.challenge), user: { ...options.user, id: bytes(options.user.id) }, excludeCredentials: named(options.excludeCredentials) } }));
  const answer = made.response as AuthenticatorAttestationResponse;
  const response = { id: made.id, rawId: text(made.rawId), type: made.type, clientExtensionResults: {}, response: { attestationObject: text(answer.attestationObject), clientDataJSON: text(answer.clientDataJSON), transports: answer.getTransports() } };
  return await ask('POST', '/passkeys', { body: { ticket, name, response } });
}

/** @throws PasskeyError */
export async function provePasskey({ ticket, options }: Begun): Promise<PasskeyProof> {
  const proved = await credential(options.rpId, () => navigator.credentials.get({ publicKey: { ...options, challenge: bytes(options.challenge), allowCredentials: named(options.allowCredentials) } }));
  const answer = proved.response as AuthenticatorAssertionResponse;
  return { ticket, response: { id: proved.id, rawId: text(proved.rawId), type: proved.type, clientExtensionResults: {}, response: { authenticatorData: text(answer.authenticatorData), clientDataJSON: text(answer.clientDataJSON), signature: text(answer.signature), ...(answer.userHandle && { userHandle: text(answer.userHandle) }) } } };
}
