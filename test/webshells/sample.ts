/**
 * Samples of web trojans, put together when a test runs. None is copied from anywhere, and none ever runs; the words that make
 * one dangerous stand only as marks here, so that nothing in the repository is one.
 */

/** `family`: the technique; `way`: how it is hidden. `path` is where it would lie. */
export interface Sample { family: string; way: string; path: string; source: Buffer }

const marks: Readonly<Record<string, string>> = {
  EVAL: ['ev', 'al'].join(''), ASSERT: ['ass', 'ert'].join(''), SYSTEM: ['sys', 'tem'].join(''), EXEC: ['ex', 'ec'].join(''), SHELL: ['shell', '_ex', 'ec'].join(''), PASS: ['pass', 'thru'].join(''), POPEN: ['pop', 'en'].join(''), PROC: ['proc', '_op', 'en'].join(''), PCNTL: ['pcntl', '_ex', 'ec'].join(''), CREATE: ['create', '_func', 'tion'].join(''),
  GET: ['$_G', 'ET'].join(''), POST: ['$_PO', 'ST'].join(''), REQUEST: ['$_REQ', 'UEST'].join(''), COOKIE: ['$_COO', 'KIE'].join(''), FILES: ['$_FI', 'LES'].join(''), SERVER: ['$_SER', 'VER'].join(''), SESSION: ['$_SES', 'SION'].join(''), INPUT: ['php:/', '/inp', 'ut'].join(''),
  B64: ['base', '64_de', 'code'].join(''), GZ: ['gzin', 'flate'].join(''), PUT: ['file_put', '_contents'].join(''), READ: ['file_get', '_contents'].join(''), PREG: ['preg', '_rep', 'lace'].join(''), CALL: ['call_user', '_func'].join(''), MOVE: ['move_up', 'loaded_file'].join(''), SOCK: ['fsock', 'open'].join(''), TCP: ['/dev', '/tcp'].join(''),
};

/** Marks like «EVAL» in their places. Throws for one that is unknown. */
export const fill = (text: string): string => text.replace(/«([A-Z0-9]+)»/g, (_, name: string) => { const word = marks[name]; if (word === undefined) throw new Error(`expected a mark, got ${name}`); return word; });
export const sample = (family: string, way: string, text: string, path = '/var/www/html/a.php'): Sample => ({ family, way, path, source: Buffer.from(fill(text), 'latin1') });
