/** What this browser remembers. Storage may be forbidden: then nothing is remembered, and all works. */
export function kept(name: string): string | undefined {
  try {
    return localStorage.getItem(`moat.${name}`) ?? undefined;
  } catch {
    return undefined;
  }
}

/** Undefined forgets. Whether it was done. */
export function keep(name: string, value: string | undefined): boolean {
  try {
    if (value === undefined) localStorage.removeItem(`moat.${name}`);
    else localStorage.setItem(`moat.${name}`, value);
    return true;
  } catch {
    return false;
  }
}
