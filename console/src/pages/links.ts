/** Addresses of other pages; undefined for a page that this console has not. */
import type { IconName } from '../parts/icon.tsx';
import { pages, pathOf } from './catalogue.ts';

export function pageLink(id: IconName, thing?: string): string | undefined {
  const page = pages.find((one) => one.id === id);
  return page && (thing === undefined ? pathOf(page) : `${pathOf(page)}/${encodeURIComponent(thing)}`);
}
