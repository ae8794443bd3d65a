/** What is filtered stands in the address of the page, so that it can be sent to a colleague, kept and gone back to. */
import { useCallback, useMemo } from 'react';
import { useSearchParams } from 'react-router';

/** `names`: the parts of the address that are this page's. Undefined or empty takes one away. */
export function useFilters<Name extends string>(names: readonly Name[]): { filters: Partial<Record<Name, string>>; set: (changed: Partial<Record<Name, string | undefined>>, options?: { push?: boolean }) => void; clear: () => void; isAny: boolean } {
  const [params, setParams] = useSearchParams();
  const key = names.join(' ');
  const filters = useMemo(() => {
    const found: Partial<Record<Name, string>> = {};
    for (const name of key.split(' ') as Name[]) {
      const value = params.get(name);
      if (value !== null && value !== '') found[name] = value;
    }
    return found;
  }, [params, key]);
  const set = useCallback((changed: Partial<Record<Name, string | undefined>>, { push = false } = {}) => {
    setParams((before) => {
      const next = new URLSearchParams(before);
      for (const [name, value] of Object.entries(changed) as [Name, string | undefined][]) {
        if (value === undefined || value === '') next.delete(name);
        else next.set(name, value);
      }
      return next;
    }, { replace: !push });
  }, [setParams]);
  const clear = useCallback(() => { set(Object.fromEntries(key.split(' ').map((name) => [name, undefined])) as Partial<Record<Name, undefined>>); }, [set, key]);
  return { filters, set, clear, isAny: Object.keys(filters).length > 0 };
}
