/** What the behaviours that learn log-ons have in common. */
import type { Event, Kind } from '../core/gen/event.ts';

/** Where people log on; mail and database clients do so by themselves all day. */
export const loginKinds: readonly Kind[] = ['sshd', 'auth', 'ftp', 'application'];

/** The account of a successful log-on, undefined for any other event. Accounts of the system are one, however entered. */
export function accountOf(event: Event): string | undefined {
  if (event.action !== 'login' || event.outcome !== 'success' || event.category !== 'authentication' || !event.user) return undefined;
  const user = event.user.slice(0, 128);
  return event.kind === 'sshd' || event.kind === 'auth' ? user : `${event.service ?? event.kind}/${user}`;
}
