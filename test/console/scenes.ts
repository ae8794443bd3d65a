/** What is photographed. A page adds a line or more. */
import type { Page } from 'playwright-core';
import type { ConsoleMoat } from './moat.ts';

export interface Scene {
  name: string;
  /** Or how to find it, by what there is. */
  path: string | ((moat: ConsoleMoat) => Promise<string>);
  /** As nobody. */
  isOutside?: boolean;
  /** What is done before the picture. */
  then?(page: Page): Promise<unknown>;
}

export const scenes: readonly Scene[] = [
  { name: 'log-on', path: '/', isOutside: true },
  { name: 'overview', path: '/' },
];
