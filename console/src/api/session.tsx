/** Who is logged on. A session that ends while somebody works is asked for again over the page, which stays as it was. */
import { useQueryClient } from '@tanstack/react-query';
import { createContext, type ReactNode, useCallback, useContext, useEffect, useMemo, useState } from 'react';
import { ApiError, ask, onLoggedOut, setCsrf } from './client.ts';

/** What the server says of whoever is logged on. */
export interface Me { name: string; role: string; may: string[]; csrf: string; expires: number; totp: boolean; recovery_left: number; passkeys: number }

export type Standing =
  | { state: 'asking' }
  | { state: 'unreachable'; error: ApiError }
  /** No owner yet. */
  | { state: 'new' }
  | { state: 'out' }
  | { state: 'in'; me: Me }
  /** It ended: the same person goes on where they were. */
  | { state: 'ended'; me: Me };

interface Held { standing: Standing; enter: (me: Me) => void; leave: () => Promise<void>; again: () => void }
const SessionContext = createContext<Held | undefined>(undefined);

export function SessionProvider({ children }: { children: ReactNode }) {
  const [standing, setStanding] = useState<Standing>({ state: 'asking' });
  const client = useQueryClient();
  const enter = useCallback((me: Me) => {
    setCsrf(me.csrf);
    setStanding((before) => {
      // Somebody else: nothing of what the one before saw may stay.
      if (before.state === 'ended' && before.me.name !== me.name) client.clear();
      else void client.invalidateQueries();
      return { state: 'in', me };
    });
  }, [client]);
  const find = useCallback(async () => {
    try {
      const me = await ask<Me>('GET', '/session');
      setCsrf(me.csrf);
      setStanding({ state: 'in', me });
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      // Who is in stays in: what they look at says by itself when the server is away.
      const unlessIn = (next: Standing) => (before: Standing): Standing => ('me' in before ? before : next);
      if (error.code !== 'not-logged-in') { setStanding(unlessIn({ state: 'unreachable', error })); return; }
      const { needed } = await ask<{ needed: boolean }>('GET', '/setup').catch(() => ({ needed: false }));
      setStanding(unlessIn({ state: needed ? 'new' : 'out' }));
    }
  }, []);
  useEffect(() => { void find(); }, [find]);
  useEffect(() => onLoggedOut(() => { setStanding((before) => (before.state === 'in' ? { state: 'ended', me: before.me } : before)); }), []);
  useEffect(() => {
    if (standing.state !== 'unreachable') return undefined;
    const timer = setTimeout(() => { void find(); }, 3000);
    return () => { clearTimeout(timer); };
  }, [standing, find]);
  const leave = useCallback(async () => {
    // Whether the server hears it or not, this page forgets.
    await ask('DELETE', '/session').catch(() => undefined);
    setCsrf(undefined);
    client.clear();
    setStanding({ state: 'out' });
  }, [client]);
  const held = useMemo(() => ({ standing, enter, leave, again: () => { void find(); } }), [standing, enter, leave, find]);
  return <SessionContext value={held}>{children}</SessionContext>;
}

export function useSession(): Held {
  const held = useContext(SessionContext);
  if (!held) throw new Error('expected a SessionProvider around');
  return held;
}

/** Whoever is logged on; only for what stands inside the shell. */
export function useMe(): Me {
  const { standing } = useSession();
  if (standing.state !== 'in' && standing.state !== 'ended') throw new Error('expected somebody logged on');
  return standing.me;
}

/** Whether this person may; controls that they may not use are not shown. */
export const useMay = (permission: string): boolean => useMe().may.includes(permission);
