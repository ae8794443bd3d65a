/** Every language that can be read. */
import type { Language } from './choose.ts';
import { analyse as asp } from './asp.ts';
import { blank } from './code/read.ts';
import { analyse as html } from './html.ts';
import { analyse as jsp } from './jsp.ts';
import { analyse as node } from './node.ts';
import { analyse as perl } from './perl.ts';
import { analyse as php, words as phpWords } from './php.ts';
import { analyse as python } from './python.ts';
import { analyse as settings } from './settings.ts';
import { analyse as shell } from './shell.ts';
import type { Analyse, Sign } from './sign.ts';

/** A server's page is a page too: what stands around its code is read as one. */
const withPage = (analyse: Analyse, code: RegExp): Analyse => (source, limits) => {
  const own = analyse(source, limits);
  if (!/<(?:iframe|script|a|title|meta)\b/i.test(source)) return own;
  const page = html(source.replace(code, blank), limits);
  return { ...own, signs: [...own.signs, ...page.signs], cut: [...new Set([...own.cut, ...page.cut])] };
};

/** .cgi and .fcgi say nothing of the language; the first line does. */
const byFirstLine: Analyse = (source, limits) => {
  const program = /^#!\s*\S*?\/(?:env\s+)?(python|perl|(?:ba|da|k|z)?sh|node|php)/.exec(source.slice(0, 80))?.[1] ?? '';
  const analyse = program === 'python' ? python : program === 'node' ? node : program === 'php' ? php : program.endsWith('sh') ? shell : perl;
  return analyse(source, limits);
};

export const languages: Partial<Readonly<Record<Language, Analyse>>> = {
  php: withPage(php, /<\?(?:php|=|\s)[\s\S]*?(?:\?>|$)/gi), jsp: withPage(jsp, /<%[\s\S]*?(?:%>|$)/g), asp: withPage(asp, /<%[\s\S]*?(?:%>|$)|<script\b[^>]{0,300}runat[\s\S]*?(?:<\/script>|$)/gi), python, perl: byFirstLine, node, shell, html, settings,
};

/** A look at the words alone, quick whatever the file holds: for one whose analysis had to be ended. */
export const byWords: Partial<Readonly<Record<Language, (source: string) => Sign[]>>> = { php: phpWords };
