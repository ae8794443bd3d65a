/** Unit files of systemd taken apart: sections, settings, command lines with systemd's own quoting. */

export interface Setting { section: string; key: string; value: string; line: number; text: string }

/** What systemd takes as one line with those that go on; it loads no unit with a longer one. */
const lineMax = 1 << 20;

/** All settings in order, however many: whoever reads the file bounds its bytes. A line that ends in a backslash goes on; comments inside are passed over. */
export function readUnit(text: string): Setting[] {
  const settings: Setting[] = [];
  let section = '';
  let carried = '';
  let from = 1;
  for (const [i, raw] of text.split('\n').entries()) {
    const line = raw.replace(/\r$/, '');
    if (/^\s*[#;]/.test(line)) continue;
    if (carried === '') from = i + 1;
    if (line.endsWith('\\') && carried.length < lineMax) { carried += `${line.slice(0, -1)} `; continue; }
    const whole = (carried + line).trim();
    carried = '';
    const head = /^\[([^\]]{1,200})\]$/.exec(whole);
    if (head) { section = head[1]!; continue; }
    const equals = whole.indexOf('=');
    if (equals <= 0) continue;
    settings.push({ section, key: whole.slice(0, equals).trim(), value: whole.slice(equals + 1).trim(), line: from, text: whole });
  }
  return settings;
}

/** Words of a setting by systemd's rules: quotes may begin a word only, C escapes count outside and inside them. */
export function splitWords(value: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote = '';
  for (let i = 0; i < value.length; i++) {
    const c = value[i]!;
    if (quote !== '') {
      if (c === quote) quote = '';
      else if (c === '\\') { const { text, length } = escapeAt(value, i); word = (word ?? '') + text; i += length - 1; } else word += c;
    } else if (c === ' ' || c === '\t') { if (word !== undefined) words.push(word); word = undefined; }
    else if (c === '"' || c === "'") { quote = c; word ??= ''; }
    else if (c === '\\') { const { text, length } = escapeAt(value, i); word = (word ?? '') + text; i += length - 1; }
    else word = (word ?? '') + c;
  }
  if (word !== undefined) words.push(word);
  return words;
}

const simple: Readonly<Record<string, string>> = { a: '\x07', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v', s: ' ', '\\': '\\', '"': '"', "'": "'" };

function escapeAt(value: string, at: number): { text: string; length: number } {
  const found = /^\\(?:x([0-9a-fA-F]{2})|([0-7]{3})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))/s.exec(value.slice(at, at + 10));
  if (!found) return { text: '\\', length: 1 };
  const [whole, hex, octal, short, long, one] = found;
  if (hex !== undefined) return { text: String.fromCharCode(Number.parseInt(hex, 16)), length: whole.length };
  if (octal !== undefined) return { text: String.fromCharCode(Number.parseInt(octal, 8) & 0xff), length: whole.length };
  const point = short ?? long;
  if (point !== undefined) { const code = Number.parseInt(point, 16); return { text: code <= 0x10ffff ? String.fromCodePoint(code) : '', length: whole.length }; }
  return { text: simple[one!] ?? `\\${one!}`, length: whole.length };
}

export interface Exec { words: string[]; /** `@`: the name that the program is given instead of its own. */ title: string | undefined; /** `+` and `!`: with all rights, whatever User= says. */ privileged: boolean }

/** The command lines of one ExecStart= and the like; several stand apart by a lone semicolon. */
export function readExec(value: string, variables: ReadonlyMap<string, string>, unit: string): Exec[] {
  const commands: Exec[] = [];
  let words: string[] = [];
  for (const word of [...splitWords(value), ';']) {
    if (word !== ';') { words.push(word); continue; }
    const prefix = /^[-@:+!|]*/.exec(words[0] ?? '')![0];
    const plain = words.map((one, i) => (i === 0 ? one.slice(prefix.length) : one)).map((one) => expand(one, variables, unit));
    words = [];
    if (plain[0] === undefined || plain[0] === '') continue;
    const title = prefix.includes('@') ? plain[1] : undefined;
    // A variable that is a word by itself is split at blanks.
    const all = (title === undefined ? plain : [plain[0], ...plain.slice(2)]).flatMap((one) => (typeof one === 'string' ? [one] : one));
    commands.push({ words: prefix.includes('|') ? ['sh', '-c', all.join(' ')] : all, title, privileged: /[+!]/.test(prefix) });
  }
  return commands;
}

function expand(word: string, variables: ReadonlyMap<string, string>, unit: string): string {
  return specifiers(word, unit).replace(/\$\$|\$\{([A-Za-z_][A-Za-z0-9_]*)\}|\$([A-Za-z_][A-Za-z0-9_]*)/g, (whole: string, braced?: string, bare?: string) => (whole === '$$' ? '$' : variables.get(braced ?? bare!) ?? whole));
}

/** %n and the like that the unit's name tells; others stay, and a path with one in it is no path. */
export function specifiers(text: string, unit: string): string {
  if (!text.includes('%')) return text;
  const stem = unit.slice(0, unit.lastIndexOf('.') < 0 ? undefined : unit.lastIndexOf('.'));
  const atSign = stem.indexOf('@');
  return text.replace(/%([%nNpihtSCL])/g, (whole: string, one: string) => {
    switch (one) {
      case '%': return '%';
      case 'n': return unit;
      case 'N': return stem;
      case 'p': return atSign < 0 ? stem : stem.slice(0, atSign);
      case 'i': return atSign < 0 ? '' : stem.slice(atSign + 1);
      case 't': return '/run';
      case 'S': return '/var/lib';
      case 'C': return '/var/cache';
      case 'L': return '/var/log';
      default: return whole;
    }
  });
}
