/** Every language that can be read. */
import type { Language } from './choose.ts';
import { analyse as asp } from './asp.ts';
import { blank } from './code/read.ts';
import { analyse as html } from './html.ts';
import { analyse as jsp } from './jsp.ts';
import { analyse as lua } from './lua.ts';
import { analyse as node } from './node.ts';
import { analyse as perl } from './perl.ts';
import { analyse as php, words as phpWords } from './php.ts';
import { analyse as python } from './python.ts';
import { analyse as ruby } from './ruby.ts';
import { analyse as settings } from './settings.ts';
import { analyse as shell } from './shell.ts';
import { analyse as template, templateSigns } from './templates.ts';
import { hostileCommand } from './code/follow.ts';
import { Lines, type Analyse, type Sign } from './sign.ts';
import { titles } from './titles.ts';

/** A server's page is a page too: what stands around its code is read as one. */
const withPage = (analyse: Analyse, code: RegExp): Analyse => (source, limits) => {
  const own = analyse(source, limits);
  if (!/<(?:iframe|script|a|title|meta)\b/i.test(source)) return own;
  const page = html(source.replace(code, blank), limits);
  return { ...own, signs: [...own.signs, ...page.signs], cut: [...new Set([...own.cut, ...page.cut])] };
};

/** .cgi and .fcgi say nothing of the language; the first line does. */
const byFirstLine: Analyse = (source, limits) => {
  const program = /^#!\s*\S*?\/(?:env\s+)?(python|perl|(?:ba|da|k|z)?sh|node|php|ruby|lua)/.exec(source.slice(0, 80))?.[1] ?? '';
  const analyse = program === 'python' ? python : program === 'node' ? node : program === 'php' ? php : program === 'ruby' ? ruby : program === 'lua' ? lua : program.endsWith('sh') ? shell : perl;
  return analyse(source, limits);
};

/** A page whose server runs commands that stand in it (SSI). */
const page: Analyse = (source, limits) => {
  const own = html(source, limits);
  const lines = new Lines(source);
  const included = Array.from(source.matchAll(/<!--#\s{0,5}exec\s{1,5}(?:cmd|cgi)\s{0,3}=\s{0,3}"([^"]{1,2000})"/gi)).slice(0, 20).flatMap((match): Sign[] => {
    const command = match[1]!;
    const visitors = /\$\{?(?:QUERY_STRING|HTTP_|PATH_INFO|REQUEST_URI|DOCUMENT_ARGS)/.test(command);
    return visitors || hostileCommand(command) ? [{ kind: visitors ? 'command' : 'connect', level: 'critical', title: titles[visitors ? 'command' : 'connect'], sink: lines.at(match.index) }] : [];
  });
  const all = [...included, ...templateSigns(source)];
  return all.length > 0 ? { ...own, signs: [...all, ...own.signs] } : own;
};

/** Of a page with code between marks, the code alone, each piece at its own place. */
const between = (analyse: Analyse): Analyse => (source, limits) => {
  let at = 0;
  const out: string[] = [];
  for (const match of source.matchAll(/<%(?!#|%)[-=_]?([\s\S]*?)[-_]?(?:%>|$)/g)) {
    const from = match.index + match[0].indexOf(match[1]!, 2);
    out.push(blank(source.slice(at, from)), match[1]!, ';');
    at = from + match[1]!.length + 1;
  }
  return analyse(out.join(''), limits);
};

export const languages: Partial<Readonly<Record<Language, Analyse>>> = {
  php: withPage(php, /<\?(?:php|=|\s)[\s\S]*?(?:\?>|$)/gi), jsp: withPage(jsp, /<%[\s\S]*?(?:%>|$)/g), asp: withPage(asp, /<%[\s\S]*?(?:%>|$)|<script\b[^>]{0,300}runat[\s\S]*?(?:<\/script>|$)/gi), python, perl: byFirstLine, node, shell, lua, ruby, html: page, template, settings,
  erb: withPage(between(ruby), /<%[\s\S]*?(?:%>|$)/g), ejs: withPage(between(node), /<%[\s\S]*?(?:%>|$)/g),
};

/** A look at the words alone, quick whatever the file holds: for one whose analysis had to be ended. */
export const byWords: Partial<Readonly<Record<Language, (source: string) => Sign[]>>> = { php: phpWords };
