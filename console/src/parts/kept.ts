/** What this browser remembers. Storage may be forbidden: then nothing is remembered, and all works. */
export function kept(name: string): string | undefined {
  try {
    return localStorage.getItem(`moat.${name}`) ?? undefined;
  } catch {
    return undefined;
  }
}

/** Undefined forgets. */
export function keep(name: string, value: string | undefined): void {
  try {
    if (value === undefined) localStorage.removeItem(`moat.${name}`);
    else localStorage.setItem(`moat.${name}`, value);
  } catch {
    // Not remembered, as said above.
  }
}
