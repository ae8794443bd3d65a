/** Light, dark, or as the system says; remembered in this browser. */
import { useSyncExternalStore } from 'react';
import { kept, keep } from '../parts/kept.ts';
import { palettes, type Theme } from './palette.ts';

export type Mode = Theme | 'system';

const system = matchMedia('(prefers-color-scheme: dark)');
const watchers = new Set<() => void>();
const stored = kept('theme');
let mode: Mode = stored === 'light' || stored === 'dark' ? stored : 'system';

const themeNow = (): Theme => (mode === 'system' ? (system.matches ? 'dark' : 'light') : mode);

/** Puts the theme onto the page: our style sheets read these. */
function apply(): void {
  const { documentElement: root } = document;
  root.dataset['theme'] = themeNow();
  for (const [name, value] of Object.entries(palettes[themeNow()])) root.style.setProperty(`--m-${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`, value as string);
}

function changed(): void {
  apply();
  for (const watcher of watchers) watcher();
}
system.addEventListener('change', changed);
apply();

export function setMode(next: Mode): void {
  mode = next;
  keep('theme', next === 'system' ? undefined : next);
  changed();
}

const subscribe = (watcher: () => void): (() => void) => {
  watchers.add(watcher);
  return () => { watchers.delete(watcher); };
};
export const useMode = (): Mode => useSyncExternalStore(subscribe, () => mode);
export const useTheme = (): Theme => useSyncExternalStore(subscribe, themeNow);
