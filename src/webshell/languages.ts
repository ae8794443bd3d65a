/** Every language that can be read. */
import type { Language } from './choose.ts';
import { analyse as php } from './php.ts';
import { analyse as settings } from './settings.ts';
import type { Analyse } from './sign.ts';

export const languages: Partial<Readonly<Record<Language, Analyse>>> = { php, settings };
