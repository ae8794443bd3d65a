/** Which files may hold code that a server runs, and in which language: first by name, then by a few bytes. */

export type Language = 'php' | 'jsp' | 'asp' | 'python' | 'perl' | 'node' | 'shell' | 'lua' | 'ruby' | 'html' | 'template' | 'erb' | 'ejs' | 'settings';

/** By extension, lower case. */
const byExtension: Readonly<Record<string, Language>> = {
  php: 'php', php3: 'php', php4: 'php', php5: 'php', php6: 'php', php7: 'php', php8: 'php', phtml: 'php', phtm: 'php', pht: 'php', phps: 'php', phar: 'php', pgif: 'php', shtml: 'html',
  jsp: 'jsp', jspx: 'jsp', jspf: 'jsp', jspa: 'jsp', jsw: 'jsp', jsv: 'jsp', jhtml: 'jsp', tag: 'jsp', tagx: 'jsp',
  asp: 'asp', aspx: 'asp', ashx: 'asp', asmx: 'asp', ascx: 'asp', asa: 'asp', asax: 'asp', cer: 'asp', cdx: 'asp', aspq: 'asp', soap: 'asp', cshtml: 'asp', vbhtml: 'asp', master: 'asp',
  py: 'python', pyw: 'python', wsgi: 'python', fcgi: 'perl', pl: 'perl', pm: 'perl', cgi: 'perl', plx: 'perl',
  js: 'node', mjs: 'node', cjs: 'node', sh: 'shell', bash: 'shell', lua: 'lua', rb: 'ruby', ru: 'ruby', ts: 'node', mts: 'node', cts: 'node',
  ftl: 'template', ftlh: 'template', vm: 'template', j2: 'template', jinja: 'template', jinja2: 'template', twig: 'template', hbs: 'template', pug: 'template', erb: 'erb', rhtml: 'erb', ejs: 'ejs',
  html: 'html', htm: 'html', xhtml: 'html', svg: 'html', vue: 'html',
};

/** Names of settings that make a server run things. */
const settingsNames = new Set(['.htaccess', '.user.ini', 'php.ini', 'web.config', '.php.ini', 'web.xml', 'context.xml', 'server.xml', 'package.json']);

/** PHP by custom: read as such when they hold its opening tag. */
const phpByCustom = new Set(['inc', 'module', 'theme', 'install', 'engine', 'profile', 'tpl', 'ctp', 'class', 'lib', 'htm', 'html', 'shtml', 'xhtml', 'bak', 'old', 'orig', 'save', 'swp', 'txt', 'suspected', 'cache', 'tmp', 'log', 'dat', 'xml', 'json', 'css', 'js', 'svg', 'md']);

/** Pictures and documents that are no text; code in them has no reason to be there. */
const pictures = new Set(['gif', 'jpg', 'jpeg', 'jpe', 'png', 'ico', 'bmp', 'webp', 'tif', 'tiff', 'avif', 'pdf', 'ttf', 'woff', 'woff2', 'eot', 'mp3', 'mp4', 'swf', 'psd', 'doc', 'xls', 'docx', 'xlsx', 'cur', 'svgz']);

/** Never looked into: programs, archives and databases, which are others' business. */
const passedOver = new Set(['so', 'a', 'o', 'ko', 'deb', 'rpm', 'gz', 'xz', 'bz2', 'zst', 'tgz', 'zip', '7z', 'rar', 'tar', 'jar', 'war', 'iso', 'img', 'qcow2', 'vmdk', 'ibd', 'frm', 'myd', 'myi', 'db', 'sqlite', 'sqlite3', 'pyc', 'mo', 'gmo', 'pack', 'idx', 'journal', 'wasm', 'node', 'rlib', 'rmeta', 'class', 'map']);

export type Carrier = 'program' | 'custom' | 'picture' | 'unknown';

export interface Named {
  /** The language its name tells; undefined when only its content can. */
  language: Language | undefined;
  carrier: Carrier;
}

const extensionOf = (path: string): string => {
  const name = path.slice(path.lastIndexOf('/') + 1);
  const dot = name.lastIndexOf('.');
  return dot < 0 ? '' : name.slice(dot + 1).toLowerCase();
};

/** What a name says; undefined when nothing of it is worth a look. `shell.php.jpg` and `shell.php.suspected` tell by the inner extension too: Apache may run them. */
export function named(path: string): Named | undefined {
  const name = path.slice(path.lastIndexOf('/') + 1).toLowerCase();
  if (settingsNames.has(name)) return { language: 'settings', carrier: 'program' };
  const extension = extensionOf(path);
  // Names of types, which nothing runs.
  if (/\.d\.[cm]?ts$/.test(name)) return undefined;
  const language = byExtension[extension];
  if (language) return { language, carrier: 'program' };
  if (pictures.has(extension)) return { language: undefined, carrier: 'picture' };
  if (phpByCustom.has(extension)) return { language: undefined, carrier: 'custom' };
  if (passedOver.has(extension)) return undefined;
  return { language: undefined, carrier: 'unknown' };
}

const phpTags = ['<?php', '<?PHP', '<?Php', '<?='];
/** Where PHP begins in bytes seen as a binary string; -1 for nowhere. `<?=` alone happens by chance in pictures: it must be followed by what can be code. */
export function phpBegins(text: string): number {
  let first = -1;
  const found = (at: number): void => { if (at >= 0 && (first < 0 || at < first)) first = at; };
  for (const tag of phpTags) {
    for (let at = text.indexOf(tag); at >= 0; at = text.indexOf(tag, at + 1)) {
      if (tag !== '<?=' || /^<\?=[ \t]{0,8}[@$`A-Za-z_({"'\\][\t\n\r -~]{6}/.test(text.slice(at, at + 24))) { found(at); break; }
    }
  }
  for (let at = text.indexOf('language'); at >= 0; at = text.indexOf('language', at + 1)) {
    if (/<script\s{1,8}$/i.test(text.slice(Math.max(0, at - 16), at)) && /^language\s{0,8}=\s{0,8}["']?php/i.test(text.slice(at, at + 32))) { found(at); break; }
  }
  return first;
}

/** Programs and archives by their first bytes; nothing a server would run as a script. */
export const isProgramOrArchive = (head: string): boolean => /^(?:\x7fELF|PK\x03\x04|\x1f\x8b|\xfd7zXZ|BZh[1-9]|\x28\xb5\x2f\xfd|SQLite format 3|!<arch>|\xed\xab\xee\xdb)/.test(head);

/** Of what is no page by its name: JSP or ASP that stands in it, to be included by another page. Undefined when there is none. */
export function pageOf(text: string): 'jsp' | 'asp' | undefined {
  const mark = /<%[@!=]?[\t\n\r ]{0,20}[A-Za-z_$"'(][\t\n\r -~]{6}/.exec(text);
  if (!mark) return undefined;
  const code = text.slice(mark.index, mark.index + 20_000);
  if (/\b(?:getParameter|getHeader|getRuntime|ProcessBuilder|defineClass|pageContext|getInputStream|ClassLoader)\b/.test(code)) return 'jsp';
  return /\b(?:eval|execute|executeglobal|createobject|process|assembly)\b/i.test(code) && /\brequest\b/i.test(code) ? 'asp' : undefined;
}
