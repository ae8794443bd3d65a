/** Passkeys of one's own account. */
import * as z from 'zod';
import { open, time } from './common.ts';

/** `used`: when it logged on last; `synced`: its maker copies it to other devices of its owner. */
export const passkey = z.strictObject({ id: z.string(), name: z.string(), created: time, used: time.optional(), synced: z.boolean() });
/** `domain`: what they are bound to; they work where the console is opened by one of `origins`. */
export const passkeys = z.strictObject({ items: z.array(passkey), domain: z.string(), origins: z.array(z.string()) });
export type Passkeys = z.infer<typeof passkeys>;
/** `options`: PublicKeyCredentialCreationOptionsJSON or PublicKeyCredentialRequestOptionsJSON of WebAuthn; `ticket` goes back with the answer to them. */
export const passkeyBegun = z.strictObject({ ticket: z.string(), options: open });
export const passkeyMade = z.strictObject({ passkey, recovery: z.array(z.string()).optional() });
