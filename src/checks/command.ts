/** What a command that something starts by itself is worth: which programs it runs, whose they are, what they hold. */
import type { Evidence, FindingKind } from '../core/finding.ts';
import { levels, type Level } from '../core/level.ts';
import type { Text } from '../core/text.ts';
import { isElf } from '../linux/elf.ts';
import type { Owner } from '../linux/provenance.ts';
import type { RuleHit, ScanContext } from './port.ts';
import { fact } from './finding.ts';
import { maskSecrets } from '../core/secrets.ts';
import { attempt, cutOf, firstOf, tellCut } from './look.ts';
import { fetchOf, fetchedFiles, filesReadBy, type Fetch } from './fetch-words.ts';
import { environmentReasons, loadedBy } from './environment.ts';
import { judgeProgram, type ProgramNote } from './program-place.ts';
import { looksLikeText, readCode } from './script-code.ts';
import { outputOfPipeline, parseShell, textOfOutput, type Command, type Pipeline, type Variables } from './shell-parse.ts';
import { baseName, languageOf, startsOf, type Language, type Words } from './shell-words.ts';

/**
 * `level` undefined: nothing speaks against it. Reasons come worst first; `kind` is that of the worst. A reason that administrators
 * give as well as intruders (a firewall flushed, a log emptied) is a weakness and never above medium.
 */
export interface Judgement { level: Level | undefined; kind: FindingKind; reasons: Reason[]; /** Programs with their place, for evidence. */ programs: Program[] }
export interface Reason { level: Level; /** Default intrusion. */ kind?: FindingKind; text: Text; evidence: Evidence; /** ATT&CK techniques. */ attack: readonly string[]; /** Undefined for what comes out of a rule. */ sign?: Sign | undefined; /** The program it is said of. */ program?: string; /** The rule that says so. */ rule?: string }
/** What is said of a program: it lies where anybody writes, behind a hidden name, was changed, is nobody's, or others may rewrite it. */
export type Sign = 'open-place' | 'hidden' | 'changed' | 'unowned' | 'rewritable';
export interface Program { path: string; owner: Owner | undefined; there: boolean }

/** How the command is run, as far as it is known. */
export interface How {
  /** Account, default root: root's programs must not be others' to change. */
  user?: string;
  /** Variables that are set: those of a crontab, a unit. Not changed. */
  variables?: ReadonlyMap<string, string>;
  /** Folders in which programs without a path are looked for; default those of the system. */
  path?: readonly string[];
  /** Where relative paths begin. */
  cwd?: string;
  /** The file is run as the hook that it is, and not as one of many scripts that a program is made of. */
  hook?: boolean;
  /** What `~` and `$HOME` stand for; default /root for root. */
  home?: string;
  /** What other commands of the same unit fetched, and what this one does: files with their source. */
  fetched?: Map<string, Fetch>;
  /** Standard input, when it is known. */
  input?: string;
}

/** Of what a shell runs; what is behind it, and behind the other limits, is told as not looked at. */
const scriptMax = 1 << 20;
/** Of other languages: whole applications are packed into one file. */
const codeMax = 16 << 20;
const depthMax = 10;
const lineMax = 16 * 1024;
/** The gravest are kept: who gives fifty slight ones must not crowd out another. */
const reasonsMax = 60;
/** Lines of scripts looked at for one command, with all that it runs. */
const linesBudget = 100_000;
const filesBudget = 500;
/** How far back in a pipeline an interpreter's input is followed. */
const stagesMax = 64;

interface Work { context: ScanContext; how: How; depth: number; left: { lines: number; files: number }; /** The file whose text this is. */ path?: string; hidden?: boolean }
interface Part { reasons: Reason[]; programs: Program[] }

/** Judges a line that a shell would run. */
export async function judgeCommand(line: string, context: ScanContext, how: How = {}): Promise<Judgement> {
  return judgement(await shellText(line, workOf(context, how)));
}

/** Judges a file that is run: by whose it is, where it lies, who may change it and, for a script nobody ships, what it holds. */
export async function judgeFile(path: string, context: ScanContext, how: How = {}): Promise<Judgement> {
  return judgement(await program(path, workOf(context, how), undefined));
}

/** Judges a program with its arguments that is started without a shell. */
export async function judgeWords(words: Words, context: ScanContext, how: How = {}): Promise<Judgement> {
  const work = workOf(context, how);
  const command: Command = { words, env: [], from: undefined, to: [], input: how.input === undefined ? undefined : { text: how.input, decoded: false }, inner: [], line: 1, start: 0, end: 0 };
  const text = words.map((word) => (/\s/.test(word) ? `'${word}'` : word)).join(' ');
  const part = await pipelineParts([command], work, how.fetched ?? new Map());
  return judgement({ reasons: [...ruleReasons(text, work, fact({ zh: '命令', en: 'command' }, text)), ...part.reasons], programs: part.programs });
}

/** Judges the text of a script whose file is not run as a program itself: sourced, or part of another file. */
export async function judgeText(text: string, context: ScanContext, how: How & { file?: string; language?: Language } = {}): Promise<Judgement> {
  const work: Work = { ...workOf(context, how), path: how.file };
  return judgement(await code(how.language ?? 'shell', text, work));
}

/** What is to be said of `name=value` in the environment of something that starts by itself, and of the code that it has loaded. */
export const variableReasons = (name: string, value: string, context: ScanContext): Promise<Reason[]> => ofVariable(name, value, workOf(context, {}));

async function ofVariable(name: string, value: string, work: Work): Promise<Reason[]> {
  const reasons = await environmentReasons(name, value, work.context);
  const { files, language } = loadedBy(name, value);
  // Where the file lies is said already.
  for (const path of files) reasons.push(...(await program(path, work, language)).reasons.filter(({ sign }) => sign === undefined));
  return reasons;
}

/** Joins what several lines said. */
export function joinJudgements(all: readonly Judgement[]): Judgement {
  return judgement({ reasons: all.flatMap(({ reasons }) => reasons), programs: all.flatMap(({ programs }) => programs) });
}

/** A judgement of reasons that a check found itself. */
export const judged = (reasons: Reason[]): Judgement => judgement({ reasons, programs: [] });

const workOf = (context: ScanContext, how: How): Work => ({ context, how, depth: 0, left: { lines: linesBudget, files: filesBudget } });
const rank = ({ level, kind }: Reason): number => levels.indexOf(level) + (kind === undefined || kind === 'intrusion' ? levels.length : 0);

function judgement({ reasons, programs }: Part): Judgement {
  const seen = new Set<string>();
  const sorted = reasons.filter(({ text, evidence }) => !seen.has(`${text.en}\0${evidence.value}`) && seen.add(`${text.en}\0${evidence.value}`)).sort((a, b) => rank(b) - rank(a));
  return { level: sorted[0]?.level, kind: sorted[0]?.kind ?? (sorted.length > 0 ? 'intrusion' : 'notice'), reasons: sorted, programs };
}

/** What is told as not looked at: the file, or how the command begins. */
const nameOf = ({ path }: Work, text: string): string => path ?? maskSecrets(text.trim().slice(0, 100));

function tooDeep(work: Work, text: string): void {
  work.context.blind(nameOf(work, text), { zh: `命令里的命令超过 ${depthMax} 层，更里面的没看`, en: `commands inside commands are more than ${depthMax} deep, and what lies within was not looked at` });
}

function keepWorst(part: Part): void {
  if (part.reasons.length > 2 * reasonsMax) part.reasons = part.reasons.sort((a, b) => rank(b) - rank(a)).slice(0, reasonsMax);
}

/** The rule that says that a security agent is ended; the agent's own start script ends it as well, when it is told to stop. */
const agentRemoved = 'cloud_security_agent_removed';
const isOwnStartScript = (text: string): boolean => /^#+ (?:BEGIN INIT INFO|chkconfig:)/m.test(text.slice(0, 4096)) && /\/(?:aegis|cloudmonitor|aliyun-assist|qcloud|uniagent|hostguard)\b/.test(text) && /\bstop["']?\)/.test(text);

const commandFact = (text: string): Evidence => fact({ zh: '命令', en: 'command' }, text.trim());

/** A text for a shell: what the rules say of its lines, then what its commands start. */
async function shellText(text: string, work: Work): Promise<Part> {
  const part: Part = { reasons: [], programs: [] };
  if (work.depth > depthMax) { tooDeep(work, text); return part; }
  const add = (more: Part): void => { part.reasons.push(...more.reasons); part.programs.push(...more.programs); };
  for (const [number, line] of joined(text, work)) {
    part.reasons.push(...ruleReasons(line, work, placeFact(work, number, line)));
    keepWorst(part);
  }
  const parsed = parseShell(text, new Map([...(work.how.home === undefined ? [] : [['HOME', work.how.home] as const]), ...(work.how.variables ?? [])]));
  if (parsed.cut) cutOf(work.context, nameOf(work, text))();
  const fetched = work.how.fetched ?? new Map<string, Fetch>();
  for (const pipeline of parsed.pipelines) {
    keepWorst(part);
    const [first] = pipeline;
    const raw = text.slice(first!.start, pipeline.at(-1)!.end);
    const evidence = placeFact(work, first!.line, raw);
    // With variables put in, the line may say more than it did.
    if (/[$`\\]/.test(raw) && raw.length < lineMax) {
      const plain = pipeline.map(({ words, env }) => [...env.map(([name, value]) => `${name}=${value}`), ...words].join(' ')).join(' | ');
      if (plain !== raw && !plain.includes('$')) part.reasons.push(...ruleReasons(plain, work, evidence));
    }
    add(withPlace(await pipelineParts(pipeline, work, fetched, parsed.variables), evidence));
  }
  if (isOwnStartScript(text)) part.reasons = part.reasons.map((reason) => (reason.rule === agentRemoved ? { ...reason, level: 'medium', kind: 'weakness' } : reason));
  return part;
}

/** Evidence of a script's line: the line first, then what it led to. */
function withPlace(part: Part, evidence: Evidence): Part {
  return { programs: part.programs, reasons: part.reasons.map((reason) => (reason.evidence.value === '' ? { ...reason, evidence } : reason)) };
}
/** Stands for the line itself, filled in by whoever knows it. */
const here: Evidence = fact({ zh: '命令', en: 'command' }, '');

const placeFact = ({ path, hidden }: Work, line: number, text: string): Evidence => (path !== undefined
  ? fact({ zh: `${path} 第 ${line} 行`, en: `${path} line ${line}` }, text.trim())
  : hidden ? fact({ zh: '解码后的内容', en: 'decoded text' }, text.trim()) : commandFact(text));

async function pipelineParts(pipeline: Pipeline, work: Work, fetched: Map<string, Fetch>, variables?: Variables): Promise<Part> {
  const part: Part = { reasons: [], programs: [] };
  const add = (more: Part): void => { part.reasons.push(...more.reasons); part.programs.push(...more.programs); };
  for (const [i, command] of pipeline.entries()) {
    const { words, env, inner, from, input } = command;
    for (const [name, value] of exported(words, env)) part.reasons.push(...await ofVariable(name, value, work));
    if (words.length === 0) continue;
    const starts = startsOf(words);
    if (starts.title !== undefined && /^\[.*\]$|^\[k/.test(starts.title)) part.reasons.push({ level: 'high', text: { zh: '程序给自己起内核线程的名字', en: 'it gives a program the name of a kernel thread' }, evidence: fact({ zh: '假名', en: 'name' }, starts.title), attack: ['T1036.004'] });
    // What it takes as its program: from the file, the text or the command in front of it.
    if (starts.fromInput !== undefined) {
      if (from !== undefined && i === 0) add(await program(from, work, starts.fromInput));
      const fed = input ?? (i > 0 && i <= stagesMax ? outputOfPipeline(pipeline, i) : i === 0 && work.how.input !== undefined && work.depth === 0 ? { text: work.how.input, decoded: false } : undefined);
      if (fed) add(await fedCode(starts.fromInput, textOfOutput(fed), fed.decoded, work));
      else {
        for (const file of filesReadBy(pipeline.slice(Math.max(0, i - stagesMax), i).map((one) => one.words))) { const path = placeOf(file, work, undefined); if (path !== undefined) add(await program(path, work, starts.fromInput)); }
         const source = fetchOf([...pipeline.slice(Math.max(0, i - stagesMax), i).map((one) => one.words), ...wordsOf(inner)]); if (source) part.reasons.push(fetchReason(source, work)); }
    }
    for (const { language, text } of starts.code) {
      const source = text.includes('$()') ? fetchOf(wordsOf(inner)) : undefined;
      if (source) part.reasons.push(fetchReason(source, work));
      // `eval "$(cat FILE)"`: the file is the script.
      if (/^\s*\$\(\)\s*$/.test(text)) for (const file of filesReadBy(wordsOf(inner))) { const path = placeOf(file, work, undefined); if (path !== undefined) add(await program(path, work, language)); }
      add(await fedCode(language, text, inner.some((one) => outputOfPipeline(one, one.length)?.decoded === true), work));
    }
    for (const [path, source] of fetchedFiles(words, command.to, work.how.cwd)) if (fetched.size < 200) fetched.set(path, source);
    for (const name of starts.programs) {
      const path = placeOf(name, work, variables);
      const source = path === undefined ? undefined : fetched.get(path) ?? fetched.get(baseName(path));
      if (source) part.reasons.push(fetchReason(source, work));
      if (path !== undefined) add(await program(path, work, name === words[0] ? undefined : words[0] === '.' || words[0] === 'source' ? 'shell' : languageOf(words[0]!)));
    }
    if (starts.folder !== undefined) add(await folderParts(starts.folder, work));
  }
  return part;
}

const wordsOf = (pipelines: readonly Pipeline[]): Words[] => pipelines.flatMap((pipeline) => pipeline.map(({ words }) => words));

/** Variables that programs started here will see. */
function exported(words: Words, env: Command['env']): (readonly [string, string])[] {
  const named = words[0] === 'export' || words[0] === 'env' || words[0] === 'declare' || words[0] === 'typeset';
  return [...env, ...(named ? words.slice(1).flatMap((word) => { const at = word.indexOf('='); return at > 0 ? [[word.slice(0, at), word.slice(at + 1)] as const] : []; }) : [])];
}

async function fedCode(language: Language, text: string, decoded: boolean, work: Work): Promise<Part> {
  const inside = await code(language, text, { ...work, depth: work.depth + 1, path: undefined, hidden: decoded });
  if (!decoded || !looksLikeText(text)) return inside;
  const level: Level = inside.reasons.some((reason) => rank(reason) >= levels.length + levels.indexOf('high')) ? 'high' : 'medium';
  return { programs: inside.programs, reasons: [{ level, text: { zh: '命令藏在编码里，运行时才解开', en: 'the command hides in an encoding and is decoded when it runs' }, evidence: fact({ zh: '解码后的内容', en: 'decoded text' }, text.trim()), attack: ['T1027.010', 'T1140'] }, ...inside.reasons] };
}

function fetchReason({ level, address }: Fetch, work: Work): Reason {
  // Scripts of programs fetch their updates; a line that something starts again and again does not.
  const inScript = work.path !== undefined && level === 'medium' && !(work.how.hook === true && work.depth <= 1);
  return { level: inScript ? 'low' : level, ...(inScript && { kind: 'notice' as const }), text: { zh: '从网上下载内容并直接运行', en: 'it fetches something from the network and runs it' }, evidence: { ...here, value: inScript ? '' : address }, attack: ['T1059.004', 'T1105'] };
}

/** Code of any language. */
async function code(language: Language, text: string, work: Work): Promise<Part> {
  if (language === 'shell') return shellText(text, work);
  const part: Part = { reasons: [], programs: [] };
  if (language === 'other') return part;
  if (work.depth > depthMax) { tooDeep(work, text); return part; }
  const { signs, commands, packed, cut } = readCode(language, text);
  if (cut) cutOf(work.context, nameOf(work, text))();
  const what: Text = work.path === undefined ? { zh: '代码', en: 'code' } : { zh: `${work.path} 中的代码`, en: `code in ${work.path}` };
  for (const { level, text: says, value, attack } of signs) part.reasons.push({ level, text: says, evidence: fact(what, value), attack });
  const inside = { ...work, depth: work.depth + 1 };
  for (const line of commands) {
    const more = await shellText(line, { ...inside, path: undefined });
    part.reasons.push(...more.reasons);
    part.programs.push(...more.programs);
    keepWorst(part);
  }
  for (const hidden of packed) part.reasons.push(...(await fedCode(language, hidden, true, inside)).reasons, ...(await shellText(hidden, { ...inside, path: undefined, hidden: true })).reasons);
  return part;
}

/** A program or script by its path. */
async function program(path: string, work: Work, language: Language | undefined): Promise<Part> {
  const { context, how } = work;
  const { program: found, notes, script } = await judgeProgram(path, context, how.user);
  const reasons = notes.map(({ level, kind, text, value, attack, sign }: ProgramNote): Reason => ({ level, kind, text, sign, program: found.path, evidence: fact({ zh: '程序', en: 'program' }, value), attack }));
  if (script === undefined) return { reasons, programs: [found] };
  const inside = await scriptParts(script, work, language);
  return { reasons: [...reasons, ...inside.reasons], programs: [found] };
}

interface Kept { reasons: Reason[] }
/** What scripts held, by tree, depth and path: many jobs run the same ones. */
const kept = new WeakMap<ScanContext['tree'], Map<string, Promise<Kept>>>();
const keptMax = 5000;

async function scriptParts(path: string, work: Work, language: Language | undefined): Promise<Part> {
  if (work.depth >= depthMax) { tooDeep(work, path); return { reasons: [], programs: [] }; }
  const known = kept.get(work.context.tree) ?? new Map<string, Promise<Kept>>();
  kept.set(work.context.tree, known);
  // The depth is part of the key: a script that runs itself waits for no one.
  const key = `${work.depth}\0${language ?? ''}\0${work.how.hook === true}\0${work.how.user ?? ''}\0${work.how.home ?? ''}\0${path}`;
  let reading = known.get(key);
  if (!reading) {
    if (work.left.files-- <= 0) { work.context.blind(path, { zh: `一条命令带出的脚本超过 ${filesBudget} 个，这个没看`, en: `one command leads to more than ${filesBudget} scripts, and this one was not looked at` }); return { reasons: [], programs: [] }; }
    if (known.size >= keptMax) known.clear();
    reading = readScript(path, work, language);
    known.set(key, reading);
  }
  return { reasons: (await reading).reasons, programs: [] };
}

async function readScript(path: string, work: Work, language: Language | undefined): Promise<Kept> {
  const { context } = work;
  const head = attempt(context, path, () => context.tree.read(path, 4096));
  if (!head || isProgram(head.bytes, language)) return { reasons: [] };
  const speaks = languageOfScript(path, head.bytes.toString('utf8'), language);
  if (speaks === 'other') return { reasons: [] };
  const max = speaks === 'shell' ? scriptMax : codeMax;
  const whole = attempt(context, path, () => context.tree.read(path, max));
  if (!whole) return { reasons: [] };
  if (whole.cut) tellCut(context, path, max);
  const inside: Work = { ...work, depth: work.depth + 1, path, hidden: false, how: { user: work.how.user, ...(work.how.hook && { hook: true }), ...(work.how.home !== undefined && { home: work.how.home }) } };
  return { reasons: (await code(speaks, whole.bytes.toString('utf8').replaceAll('\0', ''), inside)).reasons };
}

/** What the kernel runs itself, and what Python compiled: anything else a shell runs line by line and passes over its NUL bytes. One that is handed the file by name reads even an ELF header as a line. */
function isProgram(head: Buffer, runBy: Language | undefined): boolean {
  if (runBy === 'shell') return false;
  if (head[2] === 0x0d && head[3] === 0x0a && head.includes(0)) return runBy === 'python';
  const line = head.indexOf('\n');
  return isElf(head) && head.subarray(0, line < 0 ? head.length : line).includes(0);
}

const endings: Readonly<Record<string, Language>> = { py: 'python', pl: 'perl', pm: 'perl', php: 'php', rb: 'ruby', js: 'node', mjs: 'node', cjs: 'node', ts: 'node', lua: 'lua', awk: 'awk', jar: 'other', dll: 'other', json: 'other', html: 'other', xml: 'other', yml: 'other', yaml: 'other', conf: 'other', service: 'other' };

/** By its first line, then by who runs it, then by its name. */
export function languageOfScript(path: string, text: string, runBy?: Language): Language {
  const first = /^#!\s*(\S+)(?:\s+(?:-S\s+)?(\S+))?/.exec(text.slice(0, 300));
  if (first) { const name = baseName(first[1]!) === 'env' ? first[2] ?? '' : first[1]!; return baseName(name) === 'openrc-run' || baseName(name) === 'rc.common' ? 'shell' : languageOf(name) ?? 'other'; }
  return runBy ?? endings[baseName(path).split('.').at(-1)!.toLowerCase()] ?? 'shell';
}

const folderFilesMax = 1000;

async function folderParts(folder: string, work: Work): Promise<Part> {
  const part: Part = { reasons: [], programs: [] };
  if (/^\/etc\/cron\.(?:hourly|daily|weekly|monthly|yearly)\/?$/.test(folder)) return part;
  const names = attempt(work.context, folder, () => work.context.tree.list(folder)) ?? [];
  for (const name of firstOf(work.context, folder, names, folderFilesMax)) {
    const more = await program(`${folder.replace(/\/$/, '')}/${name}`, work, undefined);
    part.reasons.push(...more.reasons);
    part.programs.push(...more.programs);
  }
  return part;
}

/** Lines with their numbers; one that ends in a backslash goes on. Empty ones and comments left out. */
function* joined(text: string, work: Work): Iterable<[number, string]> {
  let carried = '';
  let from = 1;
  let number = 0;
  for (let at = 0; at < text.length;) {
    if (work.left.lines-- <= 0) { work.context.blind(nameOf(work, text), { zh: `一条命令带出的脚本合起来超过 ${linesBudget} 行，后面的没看`, en: `one command leads to more than ${linesBudget} lines of scripts, and what follows was not looked at` }); return; }
    const next = text.indexOf('\n', at);
    const raw = text.slice(at, next < 0 ? text.length : next);
    at = next < 0 ? text.length : next + 1;
    number++;
    if (carried === '') from = number;
    if (raw.endsWith('\\') && at < text.length && carried.length < lineMax) { carried += raw.slice(0, -1); continue; }
    const line = carried + raw;
    carried = '';
    if (line.trim() !== '' && !line.trimStart().startsWith('#')) yield [from, line];
  }
}

const ruleCache = new WeakMap<ScanContext['tree'], Map<string, readonly RuleHit[]>>();
const ruleCacheMax = 20_000;

/** Techniques that are an administrator's daily work as well: by themselves they say nothing of an intruder. */
const both = /^(?:T1562|T1070|T1222|T1485|T1489|T1490|T1552|T1572|T1046|T1110|T1082|T1083|T1033|T1016|T1049|T1087|T1021|T1610|T1611|T1609|T1048|T1005|T1567|T1003|T1548\.001|T1548\.003|T1090|T1136)(?:\.|$)/;

/** What the words themselves say, by the same rules that watch live processes. */
function ruleReasons(line: string, work: Work, evidence: Evidence): Reason[] {
  const { context } = work;
  const asked = line.length > lineMax ? line.slice(0, lineMax) : line;
  // What it starts was looked at all the same.
  if (asked.length < line.length) context.blind(nameOf(work, line), { zh: `一行超过 ${lineMax} 个字符，规则没有看后面的`, en: `a line is longer than ${lineMax} characters, and the rules did not look at what follows` });
  const cache = ruleCache.get(context.tree) ?? new Map<string, readonly RuleHit[]>();
  ruleCache.set(context.tree, cache);
  let hits = cache.get(asked);
  if (!hits) {
    if (cache.size >= ruleCacheMax) cache.clear();
    hits = context.rules(asked);
    if (asked.length < 1024 || hits.length > 0) cache.set(asked, hits);
  }
  return hits.map(({ id, level, title, attack }) => {
    const ordinary = level !== 'critical' && attack.length > 0 && attack.every((id) => both.test(id));
    return { level: ordinary ? (level === 'high' ? 'medium' : 'low') : level, ...(ordinary && { kind: 'weakness' as const }), text: title, evidence, attack, rule: id };
  });
}

const searchPath = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];
const builtins = new Set('. : [ alias bg bind break case cd command continue declare dirs disown echo enable eval exec exit export fc fg getopts hash help history jobs kill let local logout mapfile popd printf pushd pwd read readarray readonly return set shift shopt source suspend test times trap true false type typeset ulimit umask unalias unset wait'.split(' '));

/** Where a program lies; undefined when it is nowhere or its name is put together when it runs. */
function placeOf(name: string, { how, context }: Work, variables: Variables | undefined): string | undefined {
  if (name === '' || name.length > 4096 || /[$`\n\0]/.test(name)) return undefined;
  if (name.startsWith('/')) return /^\/(?:dev\/(?:fd\/\d+|stdin|null)|proc\/self\/fd\/\d+)$/.test(name) ? undefined : tidy(name);
  if (name.startsWith('~/')) { const home = how.home ?? ((how.user ?? 'root') === 'root' ? '/root' : undefined); return home === undefined ? undefined : tidy(`${home}/${name.slice(2)}`); }
  if (name.includes('/')) return how.cwd === undefined ? undefined : tidy(`${how.cwd}/${name}`);
  if (builtins.has(name)) return undefined;
  const folders = variables?.get('PATH')?.split(':').filter((folder) => folder.startsWith('/')).slice(0, 40) ?? how.path ?? searchPath;
  for (const folder of folders) if (attempt(context, folder, () => context.tree.stat(`${folder}/${name}`))) return tidy(`${folder}/${name}`);
  return how.cwd !== undefined && attempt(context, how.cwd, () => context.tree.stat(`${how.cwd!}/${name}`))?.kind === 'file' ? tidy(`${how.cwd}/${name}`) : undefined;
}

/** `/a/./b//c/../d` → `/a/b/d`. */
function tidy(path: string): string {
  if (!/\/\/|\/\.{1,2}(?:\/|$)/.test(path)) return path;
  const parts: string[] = [];
  for (const part of path.split('/')) { if (part === '..') parts.pop(); else if (part !== '' && part !== '.') parts.push(part); }
  return `/${parts.join('/')}`;
}
