/**
 * Passwords and keys in command lines and messages, masked before anything is stored or shown. Detection sees the
 * original. Every pattern is linear: each quantifier is bounded or stops at the first blank, and none is nested.
 */
import { Event, type Kind } from './gen/event.ts';
import { own } from './own.ts';

const mask = '***';
/** What is longer is cut: text that was not looked at is not shown either, and stores keep less. */
const longest = 64 * 1024;

/** What at least one of the forms below needs. Nearly all text has none of it and is done after these two looks. */
const hint = new RegExp([
  '[=:](?<=(?:[Pp]ass(?:w(?:or)?d|phrase)?|PASS(?:W(?:OR)?D|PHRASE)?|[Pp]wd|_PWD|oken|OKEN|ecret|ECRET|[Kk]ey|KEY)["\']?[=:])', '(?:^|[\\s"\'])--[\\w.-]{0,40}(?:[Pp]ass|[Tt]oken|[Ss]ecret|[Kk]ey|pwd)',
  '://', 'earer ', 'uthorization: ?', 'X-[\\w-]{0,30}(?:[Tt]oken|[Kk]ey|[Ss]ecret):', 'AKI[AD]', 'ASIA', 'LTAI', 'gh[pousr]_', 'github_pat_', 'glpat-', 'xox[abeprs]-', 'sk_live_', 'eyJ',
].join('|'));
/** An option by which some program takes a password. */
const optionHint = /[\s"'](?:-[puUawP]|--(?:proxy-)?user[\s=])|htpasswd/;

/** Names whose value is a secret, where the name ends with one of these words. */
const secretName = '(?:[Pp]ass(?:w(?:or)?d|phrase)?|PASS(?:W(?:OR)?D|PHRASE)?|[_-]pwd|_PWD|Pwd|[Tt]oken|TOKEN|[Ss]ecret|SECRET|[Aa]pi[_-]?[Kk]ey|API[_-]?KEY|[Aa]ccess[_-]?[Kk]ey|ACCESS[_-]?KEY|[Ss]ecret[_-]?[Kk]ey|SECRET[_-]?KEY|[Pp]rivate[_-]?[Kk]ey|PRIVATE[_-]?KEY|[Aa]uth[_-]?[Kk]ey|AUTH[_-]?KEY)';
/** A quoted text to its end, or all up to a blank; a quote that JSON or an audit record goes on after ends it too. */
const value = '(?:"[^"]{0,4096}"?|\'[^\']{0,4096}\'?|(?:[^\\s"\']|["\'](?![,}\\]\\s]|$))+)';

interface Form { find: RegExp; /** Which group is the secret; what stands before it in the match stays. */ group: number }

/** `name=value`, `"name":"value"`, `name:value`: the name may have anything before it (`--`, `DB_`, `spring.datasource.`). */
const assigned: Form = { find: new RegExp(`(?:${secretName})["']?[=:](${value})`, 'g'), group: 1 };
/** `--password VALUE`, `--api-key VALUE`. */
const longOption: Form = { find: new RegExp(`(?:^|[\\s"'])--[\\w.-]{0,40}?${secretName}["']?\\s{1,4}(?!-)(${value})`, 'g'), group: 1 };
const header: Form = { find: /(?:[Aa]uthorization|X-[\w-]{0,30}(?:[Tt]oken|[Kk]ey|[Ss]ecret)): ?(?:(?:Bearer|Basic|Token|Digest) )?([^\s"']+)/g, group: 1 };
const bearer: Form = { find: /\bBearer ([\w+/=.~-]{8,})/g, group: 1 };
/** `scheme://user:secret@host`; a secret may hold @, so the last one before the path counts. */
const inUrl: Form = { find: /:\/\/[^\s/:@"']{0,128}:([^\s/"']{1,256})@/g, group: 1 };
/** The id of a cloud key says whose it is and stays known by its last letters; the secret that follows it does not. */
const keyPair: Form = { find: /\b(?:AKIA|ASIA|AKID|LTAI)[A-Za-z0-9]{12,44}["']?[\s:,=]{1,3}(?:[A-Za-z_-]{1,30}[=: ]{1,2})?["']?([A-Za-z0-9/+=]{28,64})(?![A-Za-z0-9/+=])/g, group: 1 };
const keyId: Form = { find: /\b(?:AKIA|ASIA|AKID|LTAI)([A-Za-z0-9]{8,40})[A-Za-z0-9]{4}\b/g, group: 1 };
const knownToken: Form = { find: /\b(?:gh[pousr]_|github_pat_|glpat-|xox[abeprs]-|sk_live_|eyJ)([\w.-]{16,})/g, group: 1 };
const always: readonly Form[] = [assigned, longOption, header, bearer, inUrl, keyPair, keyId, knownToken];

/** Options of single letters mean a password only to the program they are given to. */
interface ProgramForm extends Form { program: RegExp }
/** A program's name as a command and not as the end of some path that is an argument: something follows it. */
const called = (names: string): RegExp => new RegExp(`(?:^|[\\s/"'=;|&(\`])(?:${names})(?=[\\s"'])`);
const start = '(?:^|[\\s"\'])';
const short = (option: string, also = ''): RegExp => new RegExp(`${start}-${option}${also}(${value})`, 'g');
const programs: readonly ProgramForm[] = [
  // -pSECRET without a blank; -p alone asks for it. --port and the like begin with two dashes.
  { program: called('mysql[\\w-]{0,12}|mariadb[\\w-]{0,12}|mycli|mydumper|myloader|xtrabackup|innobackupex'), find: new RegExp(`${start}-p(?=\\S)(${value})`, 'g'), group: 1 },
  { program: called('mongo(?:sh|dump|restore|export|import)?'), find: short('p', '[\\s=]{0,2}(?!-)'), group: 1 },
  { program: called('sshpass'), find: short('p', '\\s{0,2}'), group: 1 },
  { program: called('curl|wget'), find: new RegExp(`${start}(?:-u|-U|--user|--proxy-user)[\\s=]{0,2}["']?[^\\s:"']{0,256}:(${value})`, 'g'), group: 1 },
  { program: called('redis-cli'), find: short('a', '[\\s=]{0,2}(?!-)'), group: 1 },
  { program: called('ldap(?:search|modify|add|delete|passwd|whoami)'), find: short('w', '\\s{0,2}(?!-)'), group: 1 },
  { program: called('smbclient'), find: new RegExp(`${start}(?:-U|--user)[\\s=]{0,2}[^\\s%]{0,256}%(${value})`, 'g'), group: 1 },
  { program: called('(?:docker|podman|nerdctl|helm)(?: registry)? login'), find: short('p', '[\\s=]{0,2}(?!-)'), group: 1 },
  { program: called('htpasswd'), find: /^\s{1,4}-[a-zA-Z]{0,8}b[a-zA-Z]{0,8}\s+\S+\s+\S+\s+(\S+)/g, group: 1 },
  { program: called('sqlcmd'), find: short('P', '\\s{0,2}'), group: 1 },
];

/** The text with every secret in it as `***`; the very same string when there is none and it is of bearable length. `secrets` is given what was masked. */
export function maskSecrets(text: string, secrets?: Set<string>): string;
export function maskSecrets(text: string | undefined, secrets?: Set<string>): string | undefined;
export function maskSecrets(text: string | undefined, secrets?: Set<string>): string | undefined {
  if (text === undefined) return undefined;
  let out = text.length > longest ? `${text.slice(0, longest)}…` : text;
  if (hint.test(out)) for (const form of always) out = apply(form, out, secrets);
  if (!optionHint.test(out)) return out;
  for (const form of programs) {
    const named = form.program.exec(out);
    if (named === null) continue;
    const after = named.index + named[0].length;
    out = out.slice(0, after) + apply(form, out.slice(after), secrets);
  }
  return out;
}

function apply({ find, group }: Form, text: string, secrets: Set<string> | undefined): string {
  return text.replace(find, (...match: unknown[]) => {
    const whole = match[0] as string;
    const secret = match[group] as string;
    if (secret.startsWith(mask)) return whole; // masked by an earlier form
    const at = whole.lastIndexOf(secret);
    const quote = secret.charAt(0) === '"' || secret.charAt(0) === '\'' ? secret.charAt(0) : '';
    const bare = quote === '' ? secret : secret.slice(1, secret.endsWith(quote) && secret.length > 1 ? -1 : undefined);
    if (bare === '') return whole;
    if (bare.length >= 4) secrets?.add(bare);
    return `${whole.slice(0, at)}${quote}${mask}${quote !== '' && secret.endsWith(quote) ? quote : ''}${whole.slice(at + secret.length)}`;
  });
}

/** What a visitor of a web server sent is evidence as it stands. */
const asSent: ReadonlySet<Kind> = new Set(['access', 'nginx', 'apache', 'weberror', 'flow']);
const deepest = 4;

/** One for all: nothing here waits, and an event seldom has any. */
const found = new Set<string>();

/**
 * The event as it may be stored and shown: secrets of command lines masked there, in the message and in the
 * source's own fields. The event itself when it has none, else a copy; what detection holds is never changed.
 */
export function shownEvent(event: Event): Event {
  if (asSent.has(event.kind)) return event;
  found.clear();
  const cmdline = inCommand(event.process_cmdline);
  const parent = inCommand(event.parent_cmdline);
  const message = masked(event.message);
  const extra = event.extra === undefined ? undefined : maskedRecord(event.extra, 0);
  if (cmdline === event.process_cmdline && parent === event.parent_cmdline && message === event.message && extra === event.extra) return event;
  const shown = Object.assign(new Event(event.id, event.time, event.kind), event);
  shown.process_cmdline = cmdline;
  shown.parent_cmdline = parent;
  shown.message = message;
  shown.extra = extra;
  return shown;
}

/** A password may be a word that stands elsewhere in the command too, such as the account: only its own place is masked. */
function inCommand(text: string | undefined): string | undefined {
  if (typeof text !== 'string' || clean.has(text)) return text;
  const shown = maskSecrets(text, found);
  if (shown === text && text.length <= cleanLength) {
    if (clean.size >= cleanMax) clean.clear();
    clean.add(own(text));
  }
  return shown;
}

/** Command lines without a secret: each event of a process tells its own and its parent's again. */
const clean = new Set<string>();
const cleanMax = 1000, cleanLength = 1024;

/** Foreign events may hold anything in any field. */
function masked(text: string | undefined): string | undefined {
  if (typeof text !== 'string') return text;
  return withoutFound(maskSecrets(text, found));
}

/** An audit record repeats each argument alone, where nothing tells that it is a password, or writes it in hex. */
function withoutFound(text: string): string {
  let out = text;
  for (const secret of found) {
    if (out.includes(secret)) out = out.replaceAll(secret, mask);
    const hex = hexOf(secret);
    if (hex !== undefined && out.includes(hex)) out = out.replaceAll(hex, hexOf(mask)!);
  }
  return out;
}

/** Upper-case hex as the audit system writes; undefined for what is not plain ASCII. */
function hexOf(text: string): string | undefined {
  let out = '';
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 126) return undefined;
    out += code.toString(16).padStart(2, '0').toUpperCase();
  }
  return out;
}

function maskedRecord(record: Record<string, unknown>, depth: number): Record<string, unknown> {
  let out = record;
  for (const [name, given] of Object.entries(record)) {
    const shown = maskedValue(given, depth);
    if (shown === given) continue;
    if (out === record) out = Object.assign(Object.create(Object.getPrototypeOf(record) as object | null), record) as Record<string, unknown>;
    out[name] = shown;
  }
  return out;
}

function maskedValue(given: unknown, depth: number): unknown {
  if (typeof given === 'string') return masked(given);
  if (typeof given !== 'object' || given === null) return given;
  if (depth >= deepest) return mask; // too deep to look into
  if (!Array.isArray(given)) return maskedRecord(given as Record<string, unknown>, depth + 1);
  const items = given as unknown[];
  const shown = items.map((item) => maskedValue(item, depth + 1));
  return shown.every((item, i) => item === items[i]) ? given : shown;
}
