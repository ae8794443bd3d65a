/** sudoers taken apart: who may run what as whom, and the settings. */
import { attempt, cutOf, linesOf, readText, tellIncludes, tellRest } from '../look.ts';
import type { ScanContext } from '../port.ts';

export interface SudoRule { users: string[]; commands: { text: string; tags: string[] }[]; path: string; line: number; text: string }
export interface SudoDefault { setting: string; path: string; line: number; text: string }
/** Stands for # in front of a number. */
const uidMark = 'uid#';
export interface Sudoers { files: string[]; rules: SudoRule[]; defaults: SudoDefault[] }

const filesMax = 500;
const rulesMax = 20_000;
const depthMax = 16;
const listMax = 5000;
/** Names that all rules together stand for when aliases are put in. */
const namesMax = 500_000;

export function readSudoers(context: ScanContext, path = '/etc/sudoers'): Sudoers {
  const out: Sudoers = { files: [], rules: [], defaults: [] };
  const aliases = new Map<string, string[]>();
  readInto(out, aliases, context, path, 0);
  const budget = { names: namesMax };
  for (const rule of out.rules) {
    rule.users = expand(rule.users, aliases, budget);
    rule.commands = rule.commands.flatMap(({ text, tags }) => expand([text], aliases, budget).map((one) => ({ text: one, tags })));
    if (budget.names < 0) { tellRest(context, rule.path, namesMax); break; }
  }
  return out;
}

function readInto(out: Sudoers, aliases: Map<string, string[]>, context: ScanContext, path: string, depth: number): void {
  if (out.files.includes(path)) return;
  if (depth > depthMax || out.files.length >= filesMax) { tellIncludes(context, path, filesMax); return; }
  const text = readText(context, path);
  if (text === undefined) return;
  out.files.push(path);
  const cut = cutOf(context, path);
  // #include is no comment, and neither is #33, the account of that number.
  const lines = linesOf(context, path, text.replaceAll(/^[ \t]{0,100}#(include(?:dir)?)\b/gm, '@$1').replaceAll(/^[ \t]{0,100}#(?=\d{1,10}\s)/gm, uidMark), { joined: true });
  for (const { number, text: line } of lines) {
    const bare = withoutComment(line.trim());
    const include = /^@(include|includedir)\s+"?([^"]+?)"?$/.exec(bare);
    if (include) {
      const at = include[2]!.startsWith('/') ? include[2]! : `${path.slice(0, path.lastIndexOf('/'))}/${include[2]!}`;
      if (include[1] === 'include') readInto(out, aliases, context, at, depth + 1);
      // sudo passes over names with a dot and those that end in ~.
      else for (const name of attempt(context, at, () => context.tree.list(at)) ?? []) if (!name.includes('.') && !name.endsWith('~')) readInto(out, aliases, context, `${at.replace(/\/$/, '')}/${name}`, depth + 1);
      continue;
    }
    const alias = /^(?:User|Runas|Host|Cmnd|Cmd)_Alias\s+(.*)$/.exec(bare);
    if (alias) {
      for (const part of alias[1]!.split(/:(?=\s{0,20}[A-Z][A-Z0-9_]{0,200}\s{0,20}=)/)) {
        const equals = part.indexOf('=');
        if (equals > 0) aliases.set(part.slice(0, equals).trim(), listOf(part.slice(equals + 1), cut));
      }
      continue;
    }
    const setting = /^Defaults\S*\s+(.*)$/.exec(bare);
    if (setting) {
      for (const one of listOf(setting[1]!, cut)) out.defaults.push({ setting: one, path, line: number, text: line.trim() });
      continue;
    }
    if (out.rules.length >= rulesMax) { tellRest(context, path, rulesMax); return; }
    const rule = ruleOf(bare, cut);
    if (rule) out.rules.push({ ...rule, path, line: number, text: line.trim() });
    else context.count('sudoers lines not understood');
  }
}

/** Items between commas; a comma in quotes or after a backslash parts nothing. */
function listOf(text: string, cut: () => void): string[] {
  const out: string[] = [];
  let item = '';
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    if (out.length >= listMax) { cut(); return out; }
    const c = text[i]!;
    if (c === '\\') { item += c + (text[++i] ?? ''); continue; }
    if (c === '"') quoted = !quoted;
    if (c === ',' && !quoted) { out.push(item.trim()); item = ''; } else item += c;
  }
  out.push(item.trim());
  return out.filter((one) => one !== '');
}

function withoutComment(line: string): string {
  const at = line.search(/\s#(?!\d)/);
  return at < 0 ? line : line.slice(0, at).trimEnd();
}

/** Colons behind these part nothing. */
const tagWords = '(?:NO)?(?:PASSWD|EXEC|SETENV|LOG_INPUT|LOG_OUTPUT|MAIL|FOLLOW|INTERCEPT)';
const endsInTag = new RegExp(`(?:\\b${tagWords}|\\bsha(?:224|256|384|512))\\s{0,20}$`);
const option = /^(?:ROLE|TYPE|PRIVS|LIMITPRIVS|APPARMOR_PROFILE|TIMEOUT|CWD|CHROOT|NOTBEFORE|NOTAFTER)\s{0,20}=\s{0,20}\S+\s+/;

/** `(root) /usr/bin/a : other = NOPASSWD: ALL` → what may be run on each list of hosts. */
function partsOf(text: string): string[] {
  const out: string[] = [];
  let from = 0, within = false, quoted = false;
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!;
    if (c === '\\') { i++; continue; }
    if (c === '"') quoted = !quoted;
    else if (c === '(') within = true;
    else if (c === ')') within = false;
    if (c !== ':' || quoted || within || endsInTag.test(text.slice(Math.max(from, i - 40), i))) continue;
    const equals = text.indexOf('=', i);
    // Part of an address, or of an argument that lacks its backslash.
    if (equals < 0) break;
    out.push(text.slice(from, i));
    from = equals + 1;
    i = equals;
  }
  return [...out, text.slice(from)];
}

/** `lin, %ops ALL = (root) NOPASSWD: /usr/bin/a, /usr/bin/b`; further lists of hosts follow behind a colon. */
function ruleOf(line: string, cut: () => void): Pick<SudoRule, 'users' | 'commands'> | undefined {
  const { users, at } = usersOf(line);
  const equals = line.indexOf('=', at);
  if (users === '' || equals < 0 || line.slice(at, equals).trim() === '') return undefined;
  const commands: SudoRule['commands'] = [];
  for (const part of partsOf(line.slice(equals + 1))) commands.push(...commandsOf(part, cut));
  return { users: listOf(users, cut), commands };
}

function commandsOf(part: string, cut: () => void): SudoRule['commands'] {
  const commands: SudoRule['commands'] = [];
  let tags: string[] = [];
  for (const item of listOf(part, cut)) {
    let rest = item.replace(/^\([^)]*\)\s*/, '');
    for (let before = ''; before !== rest;) { before = rest; rest = rest.replace(option, ''); }
    const given = /^((?:[A-Z_]+\s*:\s*)+)/.exec(rest);
    if (given) { tags = withTags(tags, given[1]!); rest = rest.slice(given[0].length); }
    commands.push({ text: rest.trim(), tags });
  }
  return commands;
}

const tagWord = new RegExp(`^${tagWords}$`);

/** What stood before and what is given now; the later counts where one says the opposite of the other. */
function withTags(before: readonly string[], given: string): string[] {
  let tags = [...before];
  for (const tag of given.split(':').map((one) => one.trim()).filter((one) => tagWord.test(one))) {
    const opposite = tag.startsWith('NO') ? tag.slice(2) : `NO${tag}`;
    tags = [...tags.filter((one) => one !== tag && one !== opposite), tag];
  }
  return tags;
}

/** The list in front: up to a blank that no comma stands beside. */
function usersOf(line: string): { users: string; at: number } {
  let quoted = false;
  for (let i = 0; i < line.length; i++) {
    const c = line[i]!;
    if (c === '\\') { i++; continue; }
    if (c === '"') quoted = !quoted;
    if (quoted || (c !== ' ' && c !== '\t')) continue;
    let next = i;
    while (line[next] === ' ' || line[next] === '\t') next++;
    if (line[next] === ',' || line[i - 1] === ',') { i = next - 1; continue; }
    return { users: line.slice(0, i), at: next };
  }
  return { users: '', at: line.length };
}

/** Each name once, however often aliases lead to it. */
function expand(items: readonly string[], aliases: ReadonlyMap<string, string[]>, budget: { names: number }): string[] {
  const out = new Set<string>();
  const seen = new Set<string>();
  const left = items.toReversed();
  for (let item = left.pop(); item !== undefined && budget.names >= 0; item = left.pop()) {
    const stands = aliases.get(item);
    if (!stands) { out.add(item); budget.names--; } else if (!seen.has(item)) { seen.add(item); left.push(...stands.toReversed()); }
  }
  return [...out];
}
