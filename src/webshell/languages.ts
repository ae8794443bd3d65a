/** Every language that can be read. */
import type { Language } from './choose.ts';
import { analyse as php, words as phpWords } from './php.ts';
import { analyse as settings } from './settings.ts';
import type { Analyse, Sign } from './sign.ts';

export const languages: Partial<Readonly<Record<Language, Analyse>>> = { php, settings };

/** A look at the words alone, quick whatever the file holds: for one whose analysis had to be ended. */
export const byWords: Partial<Readonly<Record<Language, (source: string) => Sign[]>>> = { php: phpWords };
